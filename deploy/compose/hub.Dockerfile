# The hub. Build from the root of the repository, after `./dev console`: docker build -f deploy/compose/hub.Dockerfile -t gatehouse-hub .
FROM python:3.12-slim-bookworm
COPY constraints.txt /build/
COPY shared /build/shared
COPY hub /build/hub
RUN pip install --no-cache-dir --constraint /build/constraints.txt /build/shared /build/hub && rm -r /build \
    && useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin gatehouse
USER gatehouse
ENTRYPOINT ["gatehouse-hub", "--config", "/etc/gatehouse/hub.yaml"]
CMD ["serve"]
