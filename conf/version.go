package conf

// RedisVersion is the Redis that all parts answer like.
const RedisVersion = "7.2.6"

// Version is Holdfast's own.
const Version = "0.1.0"
