# One static program in an otherwise empty image.
#
#   docker build -t holdfast .
#
# The builder needs the Go toolchain and nothing else, not even a shell: where
# no image can be pulled, import one (`docker import`) that holds the toolchain
# and the module cache, and name it by --build-arg BUILDER=… --build-arg GOPROXY=off.
ARG BUILDER=golang:1.26
FROM ${BUILDER} AS build
LABEL holdfast.stage=build

ARG GOPROXY=https://proxy.golang.org,direct
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOPROXY=${GOPROXY} GOTOOLCHAIN=local

# The empty directory becomes the owner of /data below.
WORKDIR /out/data
WORKDIR /src
COPY go.mod go.sum ./
COPY backend backend
COPY cmd cmd
COPY conf conf
COPY election election
COPY proxy proxy
RUN ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "/out/holdfast", "./cmd/holdfast"]

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
