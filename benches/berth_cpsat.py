#!/usr/bin/env python3
"""CP-SAT (OR-Tools from PyPI) on the public berth instances, beside `quaystream plan berths` in one run.

    pip install ortools
    python3 benches/berth_cpsat.py FOLDER --binary target/release/quaystream --ours 1 --theirs 10

Every instance of FOLDER/best_known.csv is solved by both: ours with `--seconds OURS` of processor time, CP-SAT with one
worker and THEIRS seconds of processor time, with and without a hint (first come first served). Prints value, bound, time and the gaps.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import threading
import time

from ortools.sat.python import cp_model

FORBIDDEN = 99999


def read(path):
    numbers = [int(word) for word in path.read_text().split()]
    ships, berths = numbers[:2]
    position = 2

    def take(count):
        nonlocal position
        row = numbers[position : position + count]
        position += count
        return row

    arrivals, opens = take(ships), take(berths)
    handling = [take(berths) for _ in range(ships)]
    return ships, berths, arrivals, opens, handling, take(berths), take(ships)


def first_come(instance):
    """Each ship in order of arrival where it is done first."""
    ships, berths, arrivals, opens, handling, closes, latest = instance
    ready, plan = list(opens), {}
    for ship in sorted(range(ships), key=lambda ship: arrivals[ship]):
        fits = []
        for berth in range(berths):
            start = max(arrivals[ship], ready[berth])
            end = start + handling[ship][berth]
            if handling[ship][berth] < FORBIDDEN and end <= min(closes[berth], latest[ship]):
                fits.append((end, berth, start))
        if not fits:
            return None
        end, berth, start = min(fits)
        ready[berth] = end
        plan[ship] = (berth, start)
    return plan


def cp_sat(instance, seconds, hint):
    ships, berths, arrivals, opens, handling, closes, latest = instance
    model = cp_model.CpModel()
    ends, at_berth, chosen, starts = [], [[] for _ in range(berths)], {}, []
    for ship in range(ships):
        start = model.new_int_var(arrivals[ship], latest[ship], "")
        end = model.new_int_var(arrivals[ship], latest[ship], "")
        literals = []
        for berth in range(berths):
            time_needed = handling[ship][berth]
            if time_needed >= FORBIDDEN:
                continue
            is_here = model.new_bool_var("")
            interval = model.new_optional_interval_var(start, time_needed, end, is_here, "")
            model.add(start >= opens[berth]).only_enforce_if(is_here)
            model.add(end <= closes[berth]).only_enforce_if(is_here)
            at_berth[berth].append(interval)
            literals.append(is_here)
            chosen[ship, berth] = is_here
        model.add_exactly_one(literals)
        starts.append(start)
        ends.append(end)
    for intervals in at_berth:
        model.add_no_overlap(intervals)
    model.minimize(sum(ends) - sum(arrivals))
    if hint:
        for ship, (berth, start) in hint.items():
            model.add_hint(starts[ship], start)
            for other in range(berths):
                if (ship, other) in chosen:
                    model.add_hint(chosen[ship, other], other == berth)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    begin = time.process_time()
    done = threading.Event()

    def watch():
        """Stops the search by processor time: the machine may be shared."""
        while not done.wait(0.02):
            if time.process_time() - begin >= seconds:
                solver.stop_search()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = solver.solve(model)
    done.set()
    watcher.join()
    used = time.process_time() - begin
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, int(solver.best_objective_bound), used
    return int(solver.objective_value), int(solver.best_objective_bound), used


def ours(binary, path, seconds):
    command = [*binary, str(path), "--format", "dbap", "--seconds", str(seconds), "--out", "json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return report["value"], report["bound"], report["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--binary", default="target/release/quaystream plan berths", help="command that plans a file")
    parser.add_argument("--ours", type=float, default=1.0, help="our processor seconds")
    parser.add_argument("--theirs", type=float, default=10.0, help="CP-SAT's processor seconds")
    parser.add_argument("--only", default="", help="only instances whose name contains this")
    options = parser.parse_args()
    print("| instance | ours: value | bound | cpu s | CP-SAT: value | bound | cpu s | CP-SAT hinted: value | bound |")
    print("|---|---|---|---|---|---|---|---|---|")
    worse = 0
    with open(options.folder / "best_known.csv", newline="") as file:
        for row in csv.DictReader(file):
            path = options.folder / row["set"] / f"{row['instance']}.txt"
            if options.only not in row["instance"] or not path.exists():
                continue
            instance = read(path)
            value, bound, used = ours(options.binary.split(), path, options.ours)
            cold = cp_sat(instance, options.theirs, None)
            hinted = cp_sat(instance, options.theirs, first_come(instance))
            worse += any(other[0] is not None and other[0] < value for other in (cold, hinted))
            cells = [row["instance"], value, bound, f"{used:.2f}"]
            cells += [cold[0] if cold[0] is not None else "none", cold[1], f"{cold[2]:.1f}"]
            cells += [hinted[0] if hinted[0] is not None else "none", hinted[1]]
            print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
    print(f"\ninstances on which CP-SAT found a better plan: {worse}")


if __name__ == "__main__":
    main()
