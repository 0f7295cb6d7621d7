"""An image is named by its digest, never by a tag: the scanned image is the one that runs, and an older one is the way
back.

The digest is that of an index: BuildKit puts the image beside its bill of materials and its provenance. A registry
scans only images, and has no scan of an index. So this module looks for the scan of the image in the index.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from deploy.release.errors import ReleaseError

REFERENCE: Final = re.compile(r"[a-z0-9.-]+(?::\d+)?/[a-z0-9._/-]+@(?P<digest>sha256:[0-9a-f]{64})")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
BLOCKING: Final = ("CRITICAL", "HIGH")
FAILED: Final = ("FAILED", "UNSUPPORTED_IMAGE")
ATTESTATION: Final = "vnd.docker.reference.type"  # annotates a manifest that only describes an image
MANIFESTS: Final = [f"application/vnd.{kind}+json" for kind in (
    "oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.list.v2",
    "docker.distribution.manifest.v2")]
SCAN_S: Final = 600.0


class Image(NamedTuple):
    """An image in the registry.

    reference: repository@digest.
    commit: the commit that it was built of, from its tag.
    """

    reference: str
    commit: str


def parse_digest(text: str) -> str:
    """The digest of `sha256:…` or of a whole reference. Raises ReleaseError."""
    found = REFERENCE.fullmatch(text)
    digest = found["digest"] if found else text
    if DIGEST.fullmatch(digest) is None:
        raise ReleaseError(f"{text!r} is no digest: give sha256: and 64 hexadecimal digits, never a tag")
    return digest


def find(ecr: Any, repository_uri: str, digest: str) -> Image:
    """The image of a digest in the repository, and its commit. Raises ReleaseError if it is not there."""
    digest = parse_digest(digest)
    repository = repository_uri.split("/", 1)[1]
    try:
        found = ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])["imageDetails"]
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        raise ReleaseError(f"{repository} has no image {digest}: it was never pushed, or has expired") from None
    commits = [tag for one in found for tag in one.get("imageTags", ()) if COMMIT.fullmatch(tag)]
    if len(commits) != 1:
        raise ReleaseError(f"{digest} bears no commit as its tag, so it was not built by this pipeline")
    return Image(f"{repository_uri}@{digest}", commits[0])


def scan(ecr: Any, repository_uri: str, digest: str, *, patience_s: float = SCAN_S,
         sleep: Callable[[float], None] = time.sleep) -> dict[str, int]:
    """Findings by severity, once the registry has scanned the image. Raises ReleaseError on a blocking finding."""
    repository, waited = repository_uri.split("/", 1)[1], 0.0
    digest = _image_in(ecr, repository, parse_digest(digest))
    while True:
        status, counts = _scanned(ecr, repository, digest)
        if status == "COMPLETE":
            break
        if status in FAILED or waited >= patience_s:
            raise ReleaseError(f"the scan of {digest} is {status} after {waited:g} s: look at the repository in ECR")
        sleep(5.0)
        waited += 5.0
    blocking = {severity: counts[severity] for severity in BLOCKING if counts.get(severity)}
    if blocking:
        told = ", ".join(f"{count} {severity}" for severity, count in blocking.items())
        raise ReleaseError(f"the scan found {told}: update the base image or the package, or say in ECR why it is none")
    return counts


def _image_in(ecr: Any, repository: str, digest: str) -> str:
    """The digest of the one image of an index, or of the image itself. Raises ReleaseError if there is not just one."""
    found = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}],
                                acceptedMediaTypes=MANIFESTS)["images"]
    if not found:
        raise ReleaseError(f"{repository} has no image {digest}: it was never pushed, or has expired")
    manifest = json.loads(found[0]["imageManifest"])
    if "manifests" not in manifest:
        return digest
    images = [one["digest"] for one in manifest["manifests"] if ATTESTATION not in one.get("annotations", {})]
    if len(images) != 1:
        raise ReleaseError(f"{digest} has {len(images)} images in it: build for one platform, as deploy/build does")
    return str(images[0])


def _scanned(ecr: Any, repository: str, digest: str) -> tuple[str, dict[str, int]]:
    try:
        found = ecr.describe_image_scan_findings(repositoryName=repository, imageId={"imageDigest": digest})
    except ecr.exceptions.ScanNotFoundException:
        return "PENDING", {}
    return found["imageScanStatus"]["status"], found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
