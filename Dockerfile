# One image for the dashboard and the workers: `web` is the default command, `workers` the other one.
#
#   docker build -t jobs-dashboard .
#   docker run --env-file production.env -p 8000:8000 -v jobs-var:/app/var jobs-dashboard
#
# compose.yaml puts both together with a Redis.

FROM python:3.13-slim AS packages

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

COPY requirements.lock /tmp/
# What tests a checkout is in the lock file and has no place in the image.
RUN python -m venv /venv \
    && /venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.lock \
    && /venv/bin/pip uninstall --yes pytest pytest-django pluggy iniconfig pip


FROM python:3.13-slim

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    JOBS_ENV=production

RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin jobs \
    && install --directory --owner jobs --group jobs --mode 0700 /app/var

WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY core core
COPY jobs_dashboard jobs_dashboard
COPY templates templates
COPY static static
COPY examples examples
COPY tools/__init__.py tools/
COPY tools/container tools/container

USER 10001
VOLUME /app/var
EXPOSE 8000
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "tools/container/health.py"]

ENTRYPOINT ["python", "tools/container/start.py"]
CMD ["web"]
