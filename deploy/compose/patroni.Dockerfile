# PostgreSQL 15 with Patroni, from Debian's own packages: the ones that the tests of this repository run.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-15 patroni python3-etcd python3-psycopg2 \
    && rm -r /var/lib/apt/lists && install -d -o postgres -g postgres -m 0700 /var/lib/gatehouse
ENV PATH=/usr/lib/postgresql/15/bin:$PATH
USER postgres
CMD ["patroni", "/etc/patroni.yaml"]
