FROM python:3.13-slim AS build

WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY sma_exporter sma_exporter
# An environment without a pip of its own; what pip needs to build stays in this stage.
RUN python -m venv --without-pip /opt/sma_exporter \
    && python -m pip --python /opt/sma_exporter/bin/python install --no-cache-dir .


FROM python:3.13-slim

# Time zones: TZ says in which one a day begins. Whatever version Debian has is the right one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends tzdata \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /opt/sma_exporter /opt/sma_exporter

ARG VERSION=""
ARG REVISION=""
ARG BRANCH=""
ARG CREATED=""

LABEL org.opencontainers.image.title="sma_exporter" \
      org.opencontainers.image.description="Prometheus exporter for SMA inverters, batteries, meters and chargers (WebConnect, ennexOS)" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# Revision and branch are shown by sma_exporter_build_info. Nothing is written: the root may be read-only.
ENV PATH="/opt/sma_exporter/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    SMA_EXPORTER_REVISION="${REVISION}" \
    SMA_EXPORTER_BRANCH="${BRANCH}"

USER 65532:65532
EXPOSE 10126
HEALTHCHECK --interval=1m --timeout=10s --start-period=10s CMD ["sma_exporter", "health"]
ENTRYPOINT ["sma_exporter"]
