# The environment of the project on a CUDA runtime; the README says how it is built and run.
FROM nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04

SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# OpenCV (headless) wants nothing of the system; git lets a run record its commit.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# `mlflow run --env-manager local` calls `python` by name.
ENV PATH=/opt/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    ORT_DISABLE_TELEMETRY=1

# Ubuntu's image has a user of this number already.
RUN userdel --remove ubuntu \
    && useradd --create-home --uid 1000 vcc \
    && mkdir /opt/venv /workspace \
    && chown vcc:vcc /opt/venv /workspace
USER 1000:1000
WORKDIR /workspace

# The packages change rarely and weigh gigabytes: their layer is made from pyproject.toml alone.
COPY --chown=vcc:vcc pyproject.toml /tmp/packages/
RUN python3 -m venv /opt/venv \
    && python -c 'import tomllib; print(*tomllib.load(open("/tmp/packages/pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
       > /tmp/packages/requirements.txt \
    && pip install --requirement /tmp/packages/requirements.txt

COPY --chown=vcc:vcc . .

# Data, runs and results lie in the folder that is mounted there: see the README.
VOLUME ["/workspace/data", "/workspace/results"]
CMD ["mlflow", "run", ".", "--env-manager", "local", "-e", "doctor"]
