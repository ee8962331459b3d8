"""docker-compose.yml, Dockerfile and .env.example agree with what the code expects (no engine is needed)."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from ame_warehouse.pipeline import airflow_home
from ame_warehouse.pipeline.pool import WRITER_POOL, WRITER_POOL_SLOTS, WRITER_POOL_TEXT
from ame_warehouse.settings import PROJECT_ROOT, Settings

BI_SECRETS = {"SUPERSET_SECRET_KEY", "SUPERSET_ADMIN_PASSWORD", "AME_READER_URI"}
AIRFLOW_SERVICES = {"init", "api-server", "scheduler", "dag-processor", "triggerer"}
DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text()
TEXT = (PROJECT_ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>:[-?][^}]*)?\}")
PROJECT_IN_IMAGE = "/opt/ame"


def example() -> dict[str, str]:
    """Return the variables of .env.example, those behind a # too."""
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    found = [re.fullmatch(r"#?([A-Z_]+)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def setting_names() -> dict[str, str]:
    return {f"AME_{name.upper()}": name for name in Settings.model_fields}


def default_text(name: str) -> str:
    default = Settings.model_fields[setting_names()[name]].default
    return f"{default:g}" if isinstance(default, float) else str(default)


@pytest.fixture(params=sorted(AIRFLOW_SERVICES))
def service(request: pytest.FixtureRequest) -> dict:
    return SERVICES[request.param]


def test_all_services_are_there() -> None:
    assert set(SERVICES) == AIRFLOW_SERVICES | {"postgres", "superset"}
    assert [name for name, entry in SERVICES.items() if entry.get("profiles")] == ["superset"]


def test_every_setting_is_in_the_example_with_its_default_and_a_meaning() -> None:
    variables = example()
    assert set(setting_names()) <= set(variables)
    for name in set(setting_names()) - {"AME_PROJECT"}:
        assert variables[name] == default_text(name), name
    text = (PROJECT_ROOT / ".env.example").read_text()
    assert all(
        re.search(rf"^#[^\n]+\n(?:[A-Z_]+=[^\n]*\n)*#?{name}=", text, re.MULTILINE) for name in variables
    )


def test_the_example_sets_no_secret() -> None:
    secrets = {
        name: value for name, value in example().items() if name.startswith("AIRFLOW_") or name in BI_SECRETS
    }
    assert len(secrets) == 4 + len(BI_SECRETS)
    assert set(secrets.values()) == {""}


def test_every_setting_reaches_the_tasks_with_the_same_default(service: dict) -> None:
    passed = {name: value for name, value in service["environment"].items() if name.startswith("AME_")}
    assert set(passed) == set(setting_names()) - {"AME_PROJECT"}
    assert passed.pop("AME_HOME") == "/data"
    for name, value in passed.items():
        assert value == f"${{{name}:-{default_text(name)}}}", name


def test_every_variable_of_the_file_is_explained_in_the_example() -> None:
    used = {match["name"] for match in VARIABLE.finditer(TEXT)}
    assert used <= set(example())


def test_a_secret_has_no_default_and_says_what_to_set() -> None:
    for match in VARIABLE.finditer(TEXT):
        if match["name"].startswith("AIRFLOW_"):
            assert (match["rest"] or "").startswith(f":?set {match['name']} in .env"), match[0]
    assert "password" not in {v.lower() for v in example().values()}
    for name, entry in SERVICES.items():
        for variable, value in entry["environment"].items():
            if variable in BI_SECRETS:  # the profile is off by default: its container refuses, not compose
                assert value == f"${{{variable}:-}}"
            elif re.search("PASSWORD|SECRET|FERNET", variable):
                assert re.fullmatch(r"\$\{AIRFLOW_[A-Z_]+:\?[^}]+\}", value), (name, variable)


def test_ports_are_bound_to_loopback() -> None:
    ports = [port for s in SERVICES.values() for port in s.get("ports", [])]
    assert ports == ["127.0.0.1:${AME_UI_PORT:-8080}:8080", "127.0.0.1:${SUPERSET_PORT:-8088}:8088"]
    assert all("network_mode" not in s for s in SERVICES.values())


def test_the_database_is_reached_from_inside_only() -> None:
    assert SERVICES["postgres"]["networks"] == ["internal"]
    assert COMPOSE["networks"]["internal"] == {"internal": True}


def test_every_lasting_service_is_watched_and_restarted() -> None:
    for name, entry in SERVICES.items():
        if name != "init":
            assert entry["restart"] == "unless-stopped", name
            assert entry["healthcheck"]["test"], name


def test_superset_may_do_little_and_reads_only() -> None:
    superset = SERVICES["superset"]
    for name in ("user", "read_only", "cap_drop", "security_opt"):
        assert superset[name] == SERVICES["scheduler"][name], name
    assert superset["networks"] == ["outside"]  # not the one of Airflow's metadata
    folder = PROJECT_ROOT / superset["build"]
    for name in ("Dockerfile", "provision.sh", "superset_config.py", "requirements.lock"):
        assert (folder / name).is_file(), name
    refused = subprocess.run(
        [folder / "provision.sh"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    assert refused.returncode == 2
    assert b"SUPERSET_SECRET_KEY" in refused.stderr


def test_the_containers_may_do_little(service: dict) -> None:
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["ame-data:/data"]


def test_volumes_are_named() -> None:
    used = {v.split(":")[0] for s in SERVICES.values() for v in s["volumes"]}
    assert used == set(COMPOSE["volumes"])


def test_the_paths_are_those_of_the_code(service: dict) -> None:
    settings = Settings(home=Path("/data"), project=Path(PROJECT_IN_IMAGE))
    environment = service["environment"]
    assert environment["AIRFLOW_HOME"] == str(settings.airflow_home)
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == str(airflow_home.dags_folder(settings))
    assert environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"] == str(settings.airflow_home / "logs")


def test_airflow_is_set_up_as_on_this_machine(service: dict, tmp_path: Path) -> None:
    here = airflow_home.environment(Settings(home=tmp_path))
    for name in (
        "AIRFLOW__CORE__LOAD_EXAMPLES",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION",
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW__CORE__PARALLELISM",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED",
        "GX_ANALYTICS_ENABLED",
        "DBT_SEND_ANONYMOUS_USAGE_STATS",
    ):
        assert service["environment"][name] == here[name], name


def test_init_makes_database_and_pool_before_the_others_start() -> None:
    script = SERVICES["init"]["command"][-1]
    assert "airflow db migrate" in script
    assert f"airflow pools set {WRITER_POOL} {WRITER_POOL_SLOTS} " in script
    assert WRITER_POOL_TEXT in script
    for name in AIRFLOW_SERVICES - {"init"}:
        depends = SERVICES[name]["depends_on"]
        assert depends["init"]["condition"] == "service_completed_successfully", name
        assert depends["postgres"]["condition"] == "service_healthy", name


def test_each_service_runs_and_checks_the_component_of_its_name() -> None:
    for name in AIRFLOW_SERVICES - {"init"}:
        assert SERVICES[name]["command"][:2] == ["airflow", name]
    jobs = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
    for name, job in jobs.items():
        assert job in SERVICES[name]["healthcheck"]["test"], name


def test_the_image_installs_the_lock_and_is_not_root() -> None:
    assert "--require-hashes --requirement requirements.lock" in DOCKERFILE
    assert re.search(r"^USER ame$", DOCKERFILE, re.MULTILINE)
    assert f"WORKDIR {PROJECT_IN_IMAGE}" in DOCKERFILE
    assert "--uid 10001" in DOCKERFILE
    python = re.search(r"FROM python:(\d+\.\d+)", DOCKERFILE)
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
    assert python is not None
    assert project["requires-python"] == f">={python[1]}"
    assert project["scripts"]["ame"] == "ame_warehouse.cli.main:main"


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    kept = {
        line[1:] for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert copied == kept
    assert all((PROJECT_ROOT / source).exists() for source in copied)


def test_the_lock_has_the_driver_of_the_connection() -> None:
    lock = (PROJECT_ROOT / "requirements.lock").read_text()
    assert re.search(r"^psycopg==", lock, re.MULTILINE)
    assert re.search(r"^psycopg-binary==", lock, re.MULTILINE)
    environment = SERVICES["scheduler"]["environment"]
    for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"):
        assert environment[name].startswith("postgresql+psycopg://")
