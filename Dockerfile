# syntax=docker/dockerfile:1
# CPU:  docker build -t livewitness .
# CUDA: docker build -t livewitness:cuda --build-arg VARIANT=cuda .
# The steps are those of `make setup`; only the place and the user differ.
ARG VARIANT=cpu

FROM python:3.12-slim-bookworm AS base-cpu
FROM nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04 AS base-cuda
# The base image is pinned; its distribution decides the patch level of Python.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# hadolint ignore=DL3006
FROM base-${VARIANT} AS application
ENV PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    LIVEWITNESS_DATA=/data \
    LIVEWITNESS_CACHE=/data/cache \
    PATH=/app/.venv/bin:$PATH
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE Makefile ./
COPY deploy ./deploy
COPY core ./core
COPY store ./store
COPY models ./models
COPY ingest ./ingest
COPY asr ./asr
COPY claims ./claims
COPY index ./index
COPY evidence ./evidence
COPY pipeline ./pipeline
COPY api ./api
COPY livewitness ./livewitness
RUN deploy/setup.sh python3 .venv "" \
    && groupadd --system --gid 10001 livewitness \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data livewitness \
    && mkdir /data \
    && chown 10001:10001 /data
USER 10001:10001
VOLUME /data
# As it stands the service listens on the container's loopback. For others, with accounts:
#   docker run -v livewitness:/data -p 127.0.0.1:8700:8700 -e LIVEWITNESS_ACCOUNTS=1 -e LIVEWITNESS_LISTEN=0.0.0.0 \
#     -e LIVEWITNESS_PUBLIC_URL=http://127.0.0.1:8700 livewitness
EXPOSE 8700
# Degraded (503) is alive: a full disk or a silent time-stamping authority is no reason to restart a recorder.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('LIVEWITNESS_PORT', 8700)), 4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status not in (200, 503))"]
ENTRYPOINT ["livewitness"]
CMD ["serve"]
