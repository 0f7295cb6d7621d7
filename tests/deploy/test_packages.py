"""`.ci/packages` answers for what it says is there: a Java that is too old for Apache Kafka is told, and what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "packages"


def program(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(("#!/bin/sh", *lines)) + "\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def java(folder: Path, version: str) -> None:
    program(folder, "java", f"""echo 'openjdk version "{version}" 2024-01-16' >&2""")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """All the programs of a machine: Maven, and whoever asks is not root."""
    program(tmp_path, "mvn")
    program(tmp_path, "id", "echo 1000")
    return tmp_path


def asked(machine: Path) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    return subprocess.run([bash, str(SCRIPT), "kafka"], env={"PATH": str(machine)}, capture_output=True, text=True,
                          check=False)


@pytest.mark.parametrize("version", ["17.0.15", "21", "25-ea"])
def test_a_new_enough_java_is_not_installed_again(machine: Path, version: str) -> None:
    java(machine, version)
    assert (asked(machine).returncode, asked(machine).stdout) == (0, "")


@pytest.mark.parametrize(("version", "told"), [("11.0.22", 11), ("1.8.0_402", 1)])
def test_an_old_java_is_reported(machine: Path, version: str, told: int) -> None:
    java(machine, version)
    done = asked(machine)
    assert done.returncode == 1
    assert f"java 17 (there is {told})" in done.stdout
    assert "openjdk-17-jre-headless" in done.stdout


def test_a_missing_java_is_reported(machine: Path) -> None:
    done = asked(machine)
    assert done.returncode == 1
    assert "not root on Debian: java;" in done.stdout


@pytest.mark.parametrize(("newer", "status"), [("17.0.15", 0), ("11.0.22", 1)])
def test_an_installed_java_is_checked_again(machine: Path, newer: str, status: int) -> None:
    """An old release of Debian has an old default; and another Java may come first in the PATH."""
    java(machine, "11.0.22")
    program(machine, "id", "echo 0")
    program(machine, "apt-get", f"""printf '#!/bin/sh\\necho version \\\\"{newer}\\\\" >&2\\n' > {machine}/java""")
    done = asked(machine)
    assert done.returncode == status, done.stdout
    assert ("update-alternatives --config java" in done.stdout) is bool(status)
