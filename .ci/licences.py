"""Checks the licence of every package in `cargo metadata` (standard input) against the permissive ones that we accept.

A package passes if one alternative of its SPDX expression consists of accepted licences alone.
"""
import json
import re
import sys

ACCEPTED = {
    "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BSL-1.0",
    "CC0-1.0", "ISC", "Unicode-3.0", "Unlicense", "Zlib",
}


def passes(expression: str) -> bool:
    """Evaluates an SPDX expression (the old "A/B" means "A OR B")."""
    text = expression.replace("/", " OR ")
    for licence in sorted(ACCEPTED, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(licence)}(?![\w.-])(?! WITH)", " True ", text)
    text = re.sub(r"[A-Za-z0-9][\w.-]*(?: WITH [\w.-]+)?", lambda m: keep(m.group(0)), text)
    return bool(eval(text, {"__builtins__": {}}))  # the text holds True, False, and, or and brackets alone


def keep(word: str) -> str:
    return {"True": "True", "OR": "or", "AND": "and"}.get(word, "False")


packages = json.load(sys.stdin)["packages"]
refused = [(p["name"], p["version"], p["license"]) for p in packages if not p["license"] or not passes(p["license"])]
for name, version, licence in refused:
    print(f"{name} {version}: licence {licence} is not accepted; see docs/decisions/0001-dependencies.md")
print(f"{len(packages)} packages, {len(refused)} refused")
sys.exit(1 if refused else 0)
