"""The command line of run.sh."""

import argparse
import os
import sys

import growth
import peers
import profiling
import report
import scenarios
from bench import Bench
from stage import Failure, Stage

SCENARIOS = {function.__name__: function for function in (
    scenarios.session, scenarios.plain, scenarios.log, scenarios.large, scenarios.close,
    scenarios.clients, scenarios.idle, scenarios.latency, scenarios.workers, growth.growth, growth.tls,
    scenarios.syscalls, scenarios.instructions, profiling.profile)}


def arguments():
    listing = "\n".join(f"  {name:13} {function.__doc__}" for name, function in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="run.sh", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="CPU per request of keepsake beside nginx, haproxy, Apache with mod_session_crypto,\n"
                    "Flask under gunicorn and a blind byte relay, in interleaved rounds.",
        epilog=f"scenarios:\n{listing}")
    parser.add_argument("--scenario", action="append", choices=[*SCENARIOS, "all"], metavar="NAME",
                        help="which (default: session; repeatable; `all` is about 25 minutes)")
    parser.add_argument("--only", metavar="A,B", help="only these peers: " + ", ".join(peers.STARTERS))
    parser.add_argument("--rounds", type=int, help="rounds (default 7; 2 with --quick)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default 2; 0.7 with --quick)")
    parser.add_argument("--quick", action="store_true", help="a rough look; writes no results without --out")
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--out", metavar="DIR", help="where RESULTS.md and the plots go (default: results/)")
    given = parser.parse_args()
    given.only = set(given.only.split(",")) if given.only else None
    unknown = (given.only or set()) - set(peers.STARTERS)
    if unknown:
        parser.error("unknown peers: " + ", ".join(sorted(unknown)))
    if not given.out and not given.quick:
        given.out = os.path.join(here, "results")
    return given


def main():
    given = arguments()
    names = given.scenario or ["session"]
    names = list(SCENARIOS) if "all" in names else list(dict.fromkeys(names))
    stage = Stage(os.environ["BENCH_TOOLS"])
    results, failed = [], 0
    try:
        bench = Bench(stage, given.only, given.rounds or (2 if given.quick else 7),
                      given.seconds or (0.7 if given.quick else 2.0), given.quick)
        versions = ", ".join(f"{name} {text}" for name, text in peers.versions(peers.STARTERS).items()
                             if bench.takes_part(name))
        header = [f"Machine: {report.machine()}.  ",
                  f"Versions: {versions}.  ",
                  f"{bench.rounds} rounds of {bench.seconds:g} s, one worker each on core {stage.peer_core}, "
                  f"load and backend on core {stage.load_core}."]
        if bench.missing:
            header.append("Not here, so not measured: " + ", ".join(sorted(bench.missing)) + ".")
        if len(stage.cores) < 2:
            header.append("Only one core: peers and load disturb each other.")
        print("\n".join(header) + "\n", flush=True)
        for name in names:
            try:
                results.append(SCENARIOS[name](bench))
                print(results[-1].markdown() + "\n", flush=True)
            except Failure as why:
                failed += 1
                print(f"### {name}: FAILED: {why}\n", flush=True)
                for process in [p for p in stage.processes if p is not bench.backend.process]:
                    stage.stop(process)
        if results and given.out:
            report.write(given.out, results, header)
            print(f"written to {given.out}")
    except Failure as why:
        print(f"run.sh: {why}", file=sys.stderr)
        failed += 1
    finally:
        stage.close()
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
