"""The container files say what pyproject.toml, MLproject and the tests' own servers say."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import yaml
from kserve_schema import check_service
from mlflow.projects._project_spec import load_project

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docs" / "compose.yaml").read_text())
DOCUMENT = (ROOT / "docs" / "containers.md").read_text()


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [
        line.removeprefix(name).strip() for line in joined.splitlines() if line.startswith(name)
    ]


def packages(text: str) -> set[str]:
    return set(re.findall(r'"((?:mlflow|psycopg)[^"]*)"', text))


def test_the_image_is_a_cuda_runtime_used_by_somebody_who_is_not_root() -> None:
    (base,) = instructions("FROM ")
    assert re.fullmatch(r"nvidia/cuda:\d+\.\d+\.\d+-cudnn-runtime-ubuntu\d+\.\d+", base)
    assert instructions("USER ")[-1].split(":")[0] not in ("root", "0")


def test_code_comes_after_the_packages_so_that_their_layer_is_kept() -> None:
    copies = list(re.finditer(r"(?m)^COPY .*$", DOCKERFILE))
    installed = DOCKERFILE.index("pip install")
    assert "pyproject.toml" in copies[0].group()
    assert copies[0].start() < installed < copies[1].start()
    assert len(copies) == 2


def test_the_image_s_own_command_is_an_entry_point() -> None:
    (command,) = instructions("CMD ")
    words = yaml.safe_load(command)
    entry_points = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    assert words[:3] == ["mlflow", "run", "."]
    assert words[words.index("-e") + 1] in entry_points


def test_the_compose_server_has_the_versions_of_the_project() -> None:
    inline = COMPOSE["services"]["tracking"]["build"]["dockerfile_inline"]
    everything = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert packages(inline) == {p for p in everything if p.startswith(("mlflow", "psycopg"))}


def test_the_compose_server_is_started_as_the_tests_start_theirs() -> None:
    command = COMPOSE["services"]["tracking"]["command"]
    source = (ROOT / "tests" / "support" / "tracking_servers.py").read_text()
    for word in command[1:]:
        if word.startswith("--") or word == "server":
            assert f'"{word}"' in source, word
    uri = command[command.index("--backend-store-uri") + 1]
    database = COMPOSE["services"]["database"]["environment"]
    assert uri.startswith("postgresql+psycopg://" + database["POSTGRES_USER"] + ":")
    assert uri.endswith("@database/" + database["POSTGRES_DB"])
    # Whoever reaches the server can read and delete everything.
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"]["tracking"]["ports"])
    assert (
        COMPOSE["services"]["tracking"]["depends_on"]["database"]["condition"] == "service_healthy"
    )


def test_the_example_of_docker_env_is_a_project_that_mlflow_reads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    text = (ROOT / "MLproject").read_text()
    assert "conda_env: conda.yaml\n" in text
    (tmp_path / "MLproject").write_text(text.replace("conda_env: conda.yaml\n", example))
    project = load_project(str(tmp_path))
    assert project.docker_env["image"] == "vcc"
    assert project.get_entry_point("compress").command.startswith("python -m entrypoints.compress")


def test_every_documented_call_names_an_entry_point_and_its_parameters() -> None:
    entry_points = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    calls = re.findall(r"mlflow run \. -e (\w+)([^\n]*)", DOCUMENT)
    assert calls
    for name, rest in calls:
        words = shlex.split(rest)
        given = [words[i + 1].split("=")[0] for i, word in enumerate(words) if word == "-P"]
        assert set(given) <= set(entry_points[name]["parameters"]), (name, given)


def test_the_service_of_kserve_runs_mlflow_s_image_as_mlflow_serves_it() -> None:
    service = yaml.safe_load((ROOT / "docs" / "kserve.yaml").read_text())
    check_service(service)
    (container,) = service["spec"]["predictor"]["containers"]
    # The port and the address of MLflow's image.
    assert [port["containerPort"] for port in container["ports"]] == [8080]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ping", "port": 8080}
    # No more than the nginx in the image waits.
    assert service["spec"]["predictor"]["timeout"] <= 60
