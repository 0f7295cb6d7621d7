# One image for gateway, worker and web. What builds is not in what runs; nothing is fetched that has no hash or digest.
# Dependabot moves the digest: python:3.11-slim-bookworm as published on 25 August 2026 (Python 3.11.16).
FROM python:3.11-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b AS base

FROM base AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /opt/anbu \
    && /opt/anbu/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt \
    && /opt/anbu/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY . .
RUN /opt/anbu/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/anbu/bin/pip uninstall --yes --quiet setuptools wheel pip

FROM base
#checkov:skip=CKV_DOCKER_2:one image runs three processes, so the check stands where the process is named (compose, ECS)
ARG REVISION=unknown
LABEL org.opencontainers.image.title="anbu" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"
RUN python -m pip uninstall --yes --quiet setuptools wheel pip \
    && useradd --uid 10001 --user-group --create-home --home-dir /var/lib/anbu --shell /usr/sbin/nologin anbu
COPY --from=build /opt/anbu /opt/anbu
# A volume that belongs to the user: a container service mounts it over a root that is read-only.
VOLUME /var/lib/anbu
ENV PATH=/opt/anbu/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ANBU_DATA_DIR=/var/lib/anbu
USER 10001:10001
WORKDIR /var/lib/anbu
ENTRYPOINT ["anbu"]
CMD ["--help"]
