#!/usr/bin/env python3
"""Validates the plugin's GraphQL queries against the schema of IOTA's nodes, with graphql-core.

usage: graphql_queries.py [SCHEMA]

Without SCHEMA, one is looked for beside the repository's folder; where there is none, nothing is
judged, and a sentence says so.
"""

import pathlib
import re
import sys

from graphql import build_schema, parse, validate

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUERIES = ROOT / "Sources/Tangle/GraphQLText.swift"
DEFAULT_SCHEMAS = "../shared/third-party/iota-graphql-schema-*.graphql"


def schemas() -> list[pathlib.Path]:
    if len(sys.argv) > 1:
        return [pathlib.Path(sys.argv[1])]
    return sorted(ROOT.glob(DEFAULT_SCHEMAS))


def queries() -> dict[str, str]:
    found = re.findall(r'static let (\w+) = """\n(.*?)"""', QUERIES.read_text(), re.DOTALL)
    if not found:
        sys.exit(f"{QUERIES} holds no queries; has it another form now?")
    return dict(found)


def main() -> None:
    paths = schemas()
    if not paths:
        print("Skipped: there is no GraphQL schema; give the path of one to judge the queries.")
        return
    failures = 0
    for path in paths:
        schema = build_schema(path.read_text())
        for name, text in queries().items():
            errors = validate(schema, parse(text))
            print(f"{'wrong' if errors else 'valid'}: {name}, by {path.name}")
            for error in errors:
                print(f"  {error.message}")
            failures += len(errors)
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
