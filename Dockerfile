# One image for every command: `docker run IMAGE up | serve | agent … | db upgrade | keys …`.
# docs/operations.md tells how it is meant to run.

FROM python:3.11-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Every pinned wheel, its hash checked. This layer changes only when a pin does.
COPY constraints.txt ./
RUN python -m pip download --quiet --require-hashes --only-binary :all: \
        --dest /wheels --requirement constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY agent ./agent
COPY bot ./bot
COPY orchestrator ./orchestrator
# From here on nothing but those wheels is looked at, so what Chiffon needs comes in the pinned
# versions, and what only its tests need stays behind.
RUN python -m pip install --quiet --upgrade --no-index --find-links /wheels setuptools \
    && python -m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/chiffon \
    && python -m pip --python /opt/chiffon/bin/python install --quiet \
        --no-index --find-links /wheels chiffon


FROM python:3.11-slim-bookworm AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Chiffon" \
      org.opencontainers.image.description="Turns a sentence into planned, approved and finished work by agents" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A number of its own, above those that people and Debian use; fixed, since volumes remember it.
RUN groupadd --gid 10001 chiffon \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/chiffon \
        --shell /usr/sbin/nologin chiffon \
    && install --directory --mode=0700 --owner=10001 --group=10001 /var/lib/chiffon
COPY --from=builder /opt/chiffon /opt/chiffon
# The root may be read-only: Chiffon writes below CHIFFON_HOME and in /tmp.
ENV PATH=/opt/chiffon/bin:$PATH \
    CHIFFON_HOME=/var/lib/chiffon \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/chiffon
USER 10001:10001
EXPOSE 8080
# Chiffon handles it. As process 1 it does not reap what steps left behind: run with `init: true`
# (`docker run --init`).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s --retries=3 CMD ["chiffon", "healthy"]
ENTRYPOINT ["chiffon"]
CMD ["--help"]


# For an agent that is to reach a Docker engine, and only that: compose.docker.yaml.
FROM docker:28.2.2-cli AS docker-cli

FROM runtime AS with-docker
COPY --from=docker-cli /usr/local/bin/docker /usr/local/bin/docker
COPY --from=docker-cli /usr/local/libexec/docker/cli-plugins/docker-compose \
    /usr/local/libexec/docker/cli-plugins/docker-compose


# The last one is what `docker build` makes: without the client.
FROM runtime AS chiffon
