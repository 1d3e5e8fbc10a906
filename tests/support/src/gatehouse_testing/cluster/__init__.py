"""A cluster on loopback from Debian's packages and the files of `deploy/`: etcd, Patroni, HAProxy, RabbitMQ, hub processes."""
