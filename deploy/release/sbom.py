"""What a program consists of, as SPDX 2.3 JSON: itself, and the Debian packages of its libraries.

usage: sbom.py PROGRAM ROOT VERSION REVISION EPOCH OUT
"""
import datetime
import hashlib
import json
import pathlib
import re
import sys

from tree import Libraries

SITE = "https://keepsake.example/spdx"


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def field(paragraph, name):
    found = re.search(rf"(?m)^{name}: (.*)$", paragraph)
    return found[1] if found else None


def debian_package(name, paragraph):
    version, architecture = field(paragraph, "Version"), field(paragraph, "Architecture")
    return {
        "SPDXID": identifier(name), "name": name, "versionInfo": version, "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={architecture}"}]}


def main(program, root, version, revision, epoch, out):
    libraries = Libraries(program, root)
    checksum = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()
    itself = {
        "SPDXID": "SPDXRef-keepsake", "name": "keepsake", "versionInfo": version, "supplier": "Organization: Keepsake",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION", "sourceInfo": f"commit {revision}",
        "checksums": [{"algorithm": "SHA256", "checksumValue": checksum}]}
    packages = [debian_package(*package) for package in libraries.packages().items()]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-keepsake"}]
    relations += [{"spdxElementId": "SPDXRef-keepsake", "relationshipType": "DYNAMIC_LINK", "relatedSpdxElement": package["SPDXID"]}
                  for package in packages]
    created = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"keepsake-{version}",
        "documentNamespace": f"{SITE}/keepsake-{version}-{checksum}",
        "creationInfo": {"created": created, "creators": ["Tool: deploy/release.sh"]},
        "packages": [itself, *packages], "relationships": relations}
    pathlib.Path(out).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


main(*sys.argv[1:])
