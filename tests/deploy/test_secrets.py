"""The secrets of docker-compose.yml are made once, fit what reads them, and are never made anew."""

import stat
from pathlib import Path

import pytest
import yaml

from deploy.make_secrets import FILES, ROUTES, main, make
from models.wire.keys import parse_keks
from web.access import SHORTEST_TOKEN

ROOT = Path(__file__).parents[2]


def test_every_secret_that_compose_mounts_is_made(tmp_path: Path) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert {Path(one["file"]).name for one in compose["secrets"].values()} == set(FILES)
    folder = tmp_path / "secrets"
    assert make(folder) == list(FILES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in FILES} == {0o444}
    # It is mounted itself, so its own mode is what the container's user meets; nobody else comes by the one above it.
    assert stat.S_IMODE((folder / ROUTES).stat().st_mode) == 0o755
    for service in ("worker", "anbu"):
        assert f"./secrets/{ROUTES}:/run/routes:ro" in compose["services"][service]["volumes"]
    assert [len(key) for key in parse_keks((folder / "kek.json").read_bytes()).values()] == [32]
    tokens = {name: (folder / name).read_text() for name in FILES if name != "kek.json"}
    assert len(set(tokens.values())) == len(tokens)
    assert min(map(len, tokens.values())) >= SHORTEST_TOKEN


def test_an_existing_secret_is_kept(tmp_path: Path) -> None:
    make(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    (tmp_path / "web-token").unlink()
    assert make(tmp_path) == ["web-token"]
    assert {name for name in FILES if (tmp_path / name).read_bytes() != before[name]} == {"web-token"}


@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("--force", 2), ("file", 2), ("file/secrets", 2)])
def test_a_path_that_is_no_folder_is_refused(argument: str, status: int, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as left:
        main([argument])
    said = capsys.readouterr()
    assert left.value.code == status
    assert "FOLDER" in said.out + said.err
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
