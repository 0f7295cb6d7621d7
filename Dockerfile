# One image for gateway, worker and web. Two stages: what builds is not in what runs.
# The base is named by version, not by digest: whoever builds for production pins the digest that their scanner has passed.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /opt/anbu \
    && /opt/anbu/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt \
    && /opt/anbu/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY . .
RUN /opt/anbu/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
COPY --from=build /opt/anbu /opt/anbu
ENV PATH=/opt/anbu/bin:$PATH PYTHONUNBUFFERED=1 ANBU_DATA_DIR=/var/lib/anbu
RUN useradd --uid 10001 --create-home --home-dir /var/lib/anbu anbu
USER 10001
WORKDIR /var/lib/anbu
ENTRYPOINT ["anbu"]
CMD ["--help"]
