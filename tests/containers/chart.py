#!/usr/bin/env python3
"""The Helm chart renders to the objects of deploy/kubernetes/gateway: with its values as they are, to the same; with
others, to the same but for what the value says. Where helm is, it has its say too.

The templates keep to a part of Helm's language that render() knows; anything else is a mistake.
Prints one line per sentence; the last one counts them. Needs no cluster."""

import copy
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

try:
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from kubernetes_fields import problems_of  # noqa: E402

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
root = root if root.is_dir() else root.parents[2]
chart, gateway = root / "deploy/helm/keepsake", root / "deploy/kubernetes/gateway"
counts = {True: 0, False: 0}


def check(sentence, good, detail=""):
    counts[bool(good)] += 1
    print(f"{'ok     ' if good else 'FAILED '} {sentence}")
    if not good:
        print(f"        {detail}")


def look_up(path, world):
    for step in path.strip(".").split("."):
        if not isinstance(world, dict) or step not in world:
            raise SystemExit(f"FAILED  .{path} is no value of the chart\n0 passed, 1 failed")
        world = world[step]
    return world


def evaluate(action, world):
    plain = re.fullmatch(r"(\.[\w.]+)( \| default (\.[\w.]+))?", action)
    if plain:
        value = look_up(plain[1], world)
        return str(look_up(plain[3], world) if plain[3] and not value else value)
    hashed = re.fullmatch(r"toYaml (\.[\w.]+) \| sha256sum", action)
    if hashed:
        return hashlib.sha256(yaml.safe_dump(look_up(hashed[1], world)).encode()).hexdigest()
    indented = re.fullmatch(r"toYaml (\.[\w.]+) \| nindent (\d+)", action)
    if indented:
        text = yaml.safe_dump(look_up(indented[1], world), sort_keys=False).rstrip("\n")
        return "".join("\n" + " " * int(indented[2]) + line for line in text.split("\n"))
    raise SystemExit(f"FAILED  {{{{ {action} }}}} is beyond what the templates keep to\n0 passed, 1 failed")


def render(text, world):
    text = re.sub(r"\s*\{\{- (.+?) \}\}", lambda match: evaluate(match[1], world), text)
    return re.sub(r"\{\{ (.+?) \}\}", lambda match: evaluate(match[1], world), text)


def objects_of(texts):
    found = {}
    for text in texts:
        for thing in yaml.safe_load_all(text):
            if thing:
                found[thing["kind"], thing["metadata"]["name"]] = thing
    return found


def rendered(values, release="keepsake"):
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    world = {"Values": values, "Release": {"Name": release}, "Chart": {"AppVersion": about["appVersion"]}}
    return objects_of(render(path.read_text(), world) for path in sorted((chart / "templates").iterdir()))


def wanted(version):
    """The gateway without the service that stands behind it, as this chart has it by default."""
    [kustomization] = yaml.safe_load_all((gateway / "kustomization.yaml").read_text())
    things = objects_of((gateway / name).read_text() for name in kustomization["resources"])
    things = {key: thing for key, thing in things.items() if key[1] == "keepsake"}
    pod = things["Deployment", "keepsake"]["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = f"keepsake:{version}"
    things["Service", "keepsake"]["spec"]["type"] = "ClusterIP"
    return things


def main():
    version = re.search(r"project\(keepsake VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text())[1]
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    check("the chart's version is the program's", about["version"] == about["appVersion"] == version, about)
    values = yaml.safe_load((chart / "values.yaml").read_text())
    made = rendered(values)
    for thing in made.values():
        check(f"{thing['kind']} is as a server wants it", thing["kind"] == "ConfigMap" or not problems_of(thing), problems_of(thing)
              if thing["kind"] != "ConfigMap" else "")
    settings = yaml.safe_load(made.pop(("ConfigMap", "keepsake"))["data"]["keepsake.yaml"])
    check("the configuration is the gateway's", settings == yaml.safe_load((gateway / "keepsake.yaml").read_text()), settings)
    annotations = made["Deployment", "keepsake"]["spec"]["template"]["metadata"].pop("annotations")
    expected = wanted(version)
    check("the chart has the gateway's objects", made.keys() == expected.keys(), made.keys() ^ expected.keys())
    for key in made.keys() & expected.keys():
        check(f"{key[0]} is the gateway's", made[key] == expected[key], f"{made[key]}\n        {expected[key]}")

    other = copy.deepcopy(values)
    other["image"] = {"repository": "registry.example/keepsake", "tag": "9"}
    other["secretName"], other["service"]["port"], other["autoscaling"]["minReplicas"] = "mine", 8000, 4
    other["resources"]["limits"]["memory"] = "1Gi"
    other["seccompProfile"] = {"type": "Localhost", "localhostProfile": "seccomp-io_uring.json"}
    made = rendered(other, "shop")
    other["config"]["admin"]["address"] = "127.0.0.1:9091"
    changed = rendered(other, "shop")["Deployment", "shop"]["spec"]["template"]["metadata"]["annotations"]
    check("a change of the configuration is a rollout", annotations.keys() == changed.keys() and annotations != changed)
    check("every object has the release's name", {name for _, name in made} == {"shop"}, made.keys())
    deployment, pod = made["Deployment", "shop"]["spec"], made["Deployment", "shop"]["spec"]["template"]["spec"]
    check("the values are where they belong", [
        pod["containers"][0]["image"], pod["volumes"][1]["secret"]["secretName"], pod["securityContext"]["seccompProfile"],
        pod["containers"][0]["resources"]["limits"]["memory"], made["Service", "shop"]["spec"]["ports"][0]["port"],
        made["HorizontalPodAutoscaler", "shop"]["spec"]["minReplicas"]] == [
        "registry.example/keepsake:9", "mine", other["seccompProfile"], "1Gi", 8000, 4], pod)
    labels = deployment["template"]["metadata"]["labels"].items()
    check("selectors find the pods of the release", all(
        chosen.items() <= labels for chosen in (
            deployment["selector"]["matchLabels"], made["Service", "shop"]["spec"]["selector"],
            made["PodDisruptionBudget", "shop"]["spec"]["selector"]["matchLabels"])))
    check("the autoscaler scales the deployment", made["HorizontalPodAutoscaler", "shop"]["spec"]["scaleTargetRef"]["name"] == "shop")
    if shutil.which("helm"):
        for command in (["lint"], ["template", "keepsake"]):
            done = subprocess.run(["helm", *command, chart], capture_output=True, text=True)
            check(f"helm {command[0]}", done.returncode == 0, done.stdout + done.stderr)
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 0 if counts[False] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
