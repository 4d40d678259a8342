"""CP-SAT and HiGHS beside `quaystream plan rail`, with ten times the time, on the same instances.

    pip install ortools highspy
    python benches/rail/compare.py BINARY SECONDS FILE...

BINARY is the quaystream executable, SECONDS its processor time; each other solver gets ten times that, processor time too, so
that what else the machine does counts against nobody, on one thread, in a process of its own (the two libraries do not go together). Files ending in .txt are containers and slots, others
generalised assignment. CP-SAT is hinted with first come first served where that finds a plan.
"""

import json
import math
import subprocess
import sys
import threading
import time


def read(path):
    numbers = list(map(int, open(path).read().split()))
    if path.endswith(".txt"):
        n, trains, resources = numbers[:3]
        at = 3 + trains * resources
        capacities = numbers[3:at]
        items = []
        for _ in range(n):
            count, at = numbers[at], at + 1
            options = []
            for _ in range(count):
                train, cost = numbers[at], numbers[at + 1]
                uses = [(train * resources + r, numbers[at + 2 + r]) for r in range(resources)]
                options.append((train, cost, uses))
                at += 2 + resources
            items.append(options)
        return capacities, items
    m, n = numbers[:2]
    costs, weights = numbers[2:2 + m * n], numbers[2 + m * n:2 + 2 * m * n]
    capacities = numbers[2 + 2 * m * n:2 + 2 * m * n + m]
    items = [[(i, costs[i * n + j], [(i, weights[i * n + j])]) for i in range(m)] for j in range(n)]
    return capacities, items


def first_come(capacities, items):
    room, choice = list(capacities), []
    for options in items:
        fits = [k for k, (_, _, uses) in enumerate(options) if all(room[r] >= w for r, w in uses)]
        if not fits:
            return None
        best = min(fits, key=lambda k: options[k][1])
        for r, w in options[best][2]:
            room[r] -= w
        choice.append(best)
    return choice


def stop_after(seconds, stop):
    """Calls `stop` once this process has used so much more processor time."""
    end = time.process_time() + seconds

    def watch():
        while time.process_time() < end:
            time.sleep(0.02)
        stop()

    threading.Thread(target=watch, daemon=True).start()


def cp_sat(path, seconds):
    from ortools.sat.python import cp_model
    capacities, items = read(path)
    model, variables = cp_model.CpModel(), []
    rows = [[] for _ in capacities]
    for options in items:
        line = [model.new_bool_var("") for _ in options]
        model.add_exactly_one(line)
        for x, (_, _, uses) in zip(line, options):
            for r, w in uses:
                rows[r].append(w * x)
        variables.append(line)
    for row, capacity in zip(rows, capacities):
        if row:
            model.add(sum(row) <= capacity)
    model.minimize(sum(c * x for line, options in zip(variables, items) for x, (_, c, _) in zip(line, options)))
    hint = first_come(capacities, items)
    if hint:
        for line, chosen in zip(variables, hint):
            for k, x in enumerate(line):
                model.add_hint(x, int(k == chosen))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    stop_after(seconds, solver.stop_search)
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return (int(solver.objective_value) if found else None), solver.best_objective_bound


def highs(path, seconds):
    import highspy
    capacities, items = read(path)
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.HandleUserInterrupt = True
    rows = [([], []) for _ in capacities]
    count = 0
    integer = highspy.HighsVarType.kInteger
    lines = []
    for options in items:
        line = []
        for _, cost, uses in options:
            model.addCol(float(cost), 0.0, 1.0, 0, [], [])
            model.changeColIntegrality(count, integer)
            for r, w in uses:
                rows[r][0].append(count)
                rows[r][1].append(float(w))
            line.append(count)
            count += 1
        lines.append(line)
    for line in lines:
        model.addRow(1.0, 1.0, len(line), line, [1.0] * len(line))
    for (columns, weights), capacity in zip(rows, capacities):
        if columns:
            model.addRow(-highspy.kHighsInf, float(capacity), len(columns), columns, weights)
    stop_after(seconds, model.cancelSolve)
    model.run()
    info = model.getInfo()
    found = info.primal_solution_status == 2
    return (round(info.objective_function_value) if found else None), info.mip_dual_bound


def ours(binary, path, seconds):
    form = "slots" if path.endswith(".txt") else "gap"
    command = [binary, *PLAN, path, "--format", form, "--seconds", str(seconds), "--out", "json"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer["value"], answer["bound"]


PLAN = ["plan", "rail"]


def main():
    if sys.argv[1] in ("cp_sat", "highs"):
        print(json.dumps(globals()[sys.argv[1]](sys.argv[2], float(sys.argv[3]))))
        return
    binary, seconds, files = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    print(f"quaystream {seconds} s processor time; CP-SAT and HiGHS {10 * seconds} s, one thread")
    print("| instance | quaystream | bound | CP-SAT | bound | HiGHS | bound |")
    print("|---|---|---|---|---|---|---|")
    for path in files:
        cells = [path.rsplit("/", 1)[-1]]
        for answer in [ours(binary, path, seconds)] + [
            json.loads(subprocess.run([sys.executable, __file__, name, path, str(10 * seconds)],
                                      capture_output=True, check=True).stdout.splitlines()[-1])
            for name in ("cp_sat", "highs")
        ]:
            cells += ["none" if answer[0] is None else str(answer[0]), "none" if math.isinf(answer[1]) else str(int(answer[1]))]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
