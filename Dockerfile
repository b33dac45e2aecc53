# One static program in an otherwise empty image.
#
#   docker build -t holdfast .
#
# The builder needs the Go toolchain and nothing else, not even a shell. Where no
# image can be pulled, import one that holds the toolchain and the module cache
# (`docker import`), with GOPROXY=off in its environment, and name it by
# --build-arg BUILDER=…
ARG BUILDER=golang:1.26
FROM ${BUILDER} AS build
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local
# This empty directory becomes /data below, with its owner.
WORKDIR /out/data
COPY . /src
RUN ["go", "build", "-C", "/src", "-trimpath", "-ldflags=-s -w", "-o", "/out/holdfast", "./cmd/holdfast"]

FROM scratch
COPY --from=build /out/holdfast /holdfast
# A new named volume that is mounted here takes this owner over.
COPY --from=build --chown=10001:10001 /out/data /data
USER 10001:10001
WORKDIR /data
EXPOSE 6379 6380 9121 16379 26379 27379
# A node's port; a sentinel or a proxy overrides it (compose.yaml does).
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["/holdfast", "health", "127.0.0.1:6379"]
ENTRYPOINT ["/holdfast"]
CMD ["node", "--bind", "*", "--protected-mode", "no", "--dir", "/data"]
