"""An OCI image of the program as an archive that `docker load` and `podman load` take, and several of them as one with an
index for each architecture.

usage: image.py one PROGRAM ROOT SOURCE VERSION REVISION EPOCH OUT
       image.py index OUT ARCHIVE...
"""
import hashlib
import json
import sys
import tarfile

from tree import Libraries, Tree, compressed

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
NAME = "org.opencontainers.image.ref.name"


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media, **more):
    return {"mediaType": media, "digest": digest(data), "size": len(data), **more}


def blob(tree, data):
    tree.add("blobs/sha256/" + digest(data).split(":")[1], data)


def root_folder(program, root, source):
    """What the program needs to run, and nothing else: no shell, no user but 65532."""
    libraries, files = Libraries(program, root), Tree()
    files.copy("usr/bin/keepsake", program, 0o755)
    for path in libraries.files.values():
        files.copy(path.lstrip("/"), libraries.real(path))
    files.copy(libraries.interpreter.lstrip("/"), libraries.real(libraries.interpreter), 0o755)
    for package, paragraph in libraries.packages().items():
        files.add(f"var/lib/dpkg/status.d/{package}", paragraph.encode())
        files.add(f"usr/share/doc/{package}/copyright", libraries.licence(package))
    files.copy("etc/ssl/certs/ca-certificates.crt", libraries.real("/etc/ssl/certs/ca-certificates.crt"))
    files.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
    files.copy("etc/os-release", libraries.real("/etc/os-release"))
    files.add("etc/nsswitch.conf", b"hosts: files dns\n")
    files.add("etc/passwd", b"keepsake:x:65532:65532:Keepsake:/:/nonexistent\n")
    files.add("etc/group", b"keepsake:x:65532:\n")
    config = (source / "deploy/container.yaml").read_text()
    files.add("etc/keepsake/keepsake.yaml", config.encode())
    files.add("etc/keepsake/secret-file.yaml", config.replace("{env: SESSION_KEY}", "{file: /run/secrets/session_key}").encode())
    return files, {"aarch64-linux-gnu": "arm64"}.get(libraries.triplet, "amd64")


def one(program, root, source, version, revision, epoch):
    import datetime
    import pathlib
    files, architecture = root_folder(program, root, pathlib.Path(source))
    layer = files.tar(int(epoch), {"tmp": 0o1777})
    packed = compressed(layer)
    created = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = as_json({
        "created": created, "architecture": architecture, "os": "linux",
        "config": {
            "User": "65532:65532", "ExposedPorts": {"8080/tcp": {}}, "Entrypoint": ["/usr/bin/keepsake"], "Cmd": ["run"],
            "Env": ["PATH=/usr/bin"],
            "Healthcheck": {"Test": ["CMD", "/usr/bin/keepsake", "health", "http://127.0.0.1:9090/readyz"],
                            "Interval": 10_000_000_000, "Timeout": 5_000_000_000, "StartPeriod": 10_000_000_000, "Retries": 3},
            "Labels": {"org.opencontainers.image.title": "keepsake", "org.opencontainers.image.licenses": "Apache-2.0",
                       "org.opencontainers.image.description": "A reverse proxy that gives sessions to stateless backends",
                       "org.opencontainers.image.version": version, "org.opencontainers.image.revision": revision}},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": created, "created_by": "deploy/release.sh"}]})
    manifest = as_json({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(packed, "application/vnd.oci.image.layer.v1.tar+gzip")]})
    archive = Tree()
    for data in (packed, config, manifest):
        blob(archive, data)
    name = f"keepsake:{version}"
    archive.add("index.json", as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        descriptor(manifest, MANIFEST, platform={"architecture": architecture, "os": "linux"},
                   annotations={NAME: version, "io.containerd.image.name": f"docker.io/library/{name}"})]}))
    # For engines older than the OCI layout.
    archive.add("manifest.json", as_json([{"Config": "blobs/sha256/" + digest(config).split(":")[1], "RepoTags": [name],
                                           "Layers": ["blobs/sha256/" + digest(packed).split(":")[1]]}]))
    return archive


def index(paths):
    archive, manifests = Tree(), []
    for path in sorted(paths):
        with tarfile.open(path) as single:
            for member in single:
                if member.name.startswith("blobs/") and member.isfile():
                    archive.add(member.name, single.extractfile(member).read())
            manifests += json.load(single.extractfile("index.json"))["manifests"]
    name = manifests[0]["annotations"]
    for manifest in manifests:
        del manifest["annotations"]
    inner = as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    blob(archive, inner)
    archive.add("index.json", as_json({"schemaVersion": 2, "mediaType": INDEX,
                                       "manifests": [descriptor(inner, INDEX, annotations=name)]}))
    return archive


def main(mode, *arguments):
    if mode == "one":
        *what, out = arguments
        archive, epoch = one(*what), int(arguments[5])
    else:
        out, *paths = arguments
        archive, epoch = index(paths), 0
    archive.add("oci-layout", as_json({"imageLayoutVersion": "1.0.0"}))
    with open(out, "wb") as file:
        file.write(archive.tar(epoch))


main(*sys.argv[1:])
