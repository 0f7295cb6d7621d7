"""deploy/build as the workflow runs it; docker and aws are stand-ins that write down their arguments."""

import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[1] / "build"
COMMIT = "a" * 40
DIGEST = "sha256:" + "b" * 64
AWS = """#!/usr/bin/env bash
echo "aws $*" >> "$WORDS"
case "$2" in
    get-login-password) echo password ;;
    describe-images) [ -n "$PUSHED" ] && echo "$PUSHED" || exit 254 ;;
esac
"""
DOCKER = """#!/usr/bin/env bash
echo "docker $*" >> "$WORDS"
[ "$1" = login ] && cat > /dev/null
while [ $# -gt 0 ]; do
    [ "$1" = --metadata-file ] && echo "{\\"containerimage.digest\\": \\"$BUILT\\"}" > "$2"
    shift
done
"""


def build(folder: Path, pushed: str = "", built: str = DIGEST, **changes: str) -> tuple[int, list[str], str]:
    """Run deploy/build. Returns the status, the calls of docker and aws, and the output file."""
    for name, text in {"aws": AWS, "docker": DOCKER}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "WORDS": str(folder / "words"), "PUSHED": pushed,
               "BUILT": built, "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_SHA": COMMIT,
               "ECR_REPOSITORY": "1.dkr.ecr.ap-northeast-2.amazonaws.com/anbu", **changes}
    done = subprocess.run([BUILD], env=environ, capture_output=True, text=True, timeout=60, check=False)
    words = (folder / "words").read_text().splitlines() if (folder / "words").exists() else []
    output = (folder / "output").read_text() if (folder / "output").exists() else ""
    return done.returncode, words, output


def test_it_pushes_with_bill_and_provenance(tmp_path: Path) -> None:
    status, words, output = build(tmp_path)
    assert (status, output) == (0, f"digest={DIGEST}\n")
    assert "docker login --username AWS --password-stdin 1.dkr.ecr.ap-northeast-2.amazonaws.com" in words
    (call,) = [line for line in words if line.startswith("docker buildx")]
    for option in ("--push", "--sbom=true", "--provenance=mode=max", f"--build-arg REVISION={COMMIT}",
                   f"--tag 1.dkr.ecr.ap-northeast-2.amazonaws.com/anbu:{COMMIT}"):
        assert option in call


def test_a_run_done_again_takes_what_was_pushed(tmp_path: Path) -> None:
    other = "sha256:" + "c" * 64
    status, words, output = build(tmp_path, pushed=other)
    assert (status, output) == (0, f"digest={other}\n")
    assert not any(line.startswith("docker buildx") for line in words)


@pytest.mark.parametrize("changes", [{"ECR_REPOSITORY": ""}, {"GITHUB_SHA": ""}, {"BUILT": "latest"}])
def test_it_refuses(tmp_path: Path, changes: dict[str, str]) -> None:
    status, _, output = build(tmp_path, **changes)
    assert (status, output) == (1, "")
