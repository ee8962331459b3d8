# The pipeline with its Airflow, for docker-compose.yml. Everything is pinned by the same lock as `make install`.
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    AME_HOME=/data \
    AIRFLOW_HOME=/data/airflow

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin ame \
    && install --directory --owner=ame --group=ame /data /data/airflow

WORKDIR /opt/ame

COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md ./
COPY scripts ./scripts
COPY dags ./dags
COPY dbt_project ./dbt_project
COPY expectations ./expectations
RUN pip install --no-deps --no-build-isolation --editable .

USER ame
VOLUME /data
CMD ["ame", "--help"]
