"""Makes the damaged and the truncated case of each shape out of its clean one.

    python3 tests/damage_samples.py target/debug/why500

`samples/P/CASE-damaged` and `samples/P/CASE-truncated` hold the exports of `samples/P/CASE` with faults in them, and a truth.
What must still hold is not asked of the program that reads the faults: every failed request of the clean truth whose ID no
faulty line holds is taken over as it stands. The rest (totals, the ledger, requests that were hit) is what the program says;
where that contradicts what was taken over, or a failure shows that the clean case has not, the case is named and has to be
looked at. The faults depend on the bytes alone, so a second run writes the same.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent / "samples"
# Cases that are no shape of their own, or whose exports are packed.
LEFT_OUT = re.compile(
    r"^(odd|stories)/|-damaged$|-truncated$|^shippers/cut-off$|^jsonlines/(as-printed|deployment-change|many-instances|no-request-ids|gcp)$"
    r"|^cloudwatch/(subscription-awslogs|insights-stats|insights-csv-init-failure|tail-short-overlap|tail-json-of-text|s3-export-gzip)$"
    r"|^vercel/(dashboard-csv-(e[2-5]|broken-quote)|dashboard-json-empty-numbers|drain-(test-payload|outcomes|lambda-text)"
    r"|history-first-line-only|overlapping-exports|self-call)$|^lambda/vpc-without-egress$|^platforms/(heroku-logs-old|heroku-crashed)$|^containers/compose-crashed$"
    r"|^frameworks/(.+-)?as-printed$|^proxies/(cloudfront-gzip|as-printed|nginx-dead-backend)$"
)


def exports(case):
    return sorted(p for p in case.iterdir() if p.name not in ("truth.toml", "report.txt"))


def letters_near(data, place):
    """A place at or after `place` between two letters of a word, away from names of members."""
    found = re.compile(rb"(?<=[a-z] )[a-z]{4,}|(?<=: )[A-Za-z ]{8,}|[a-z]{6,}").search(data, place)
    found = found or re.compile(rb"[a-z]{4,}").search(data)
    return (found.start() + found.end()) // 2 if found else len(data) // 2


def is_document(data):
    head = data.lstrip()[:1]
    first = data.split(b"\n", 1)[0].strip()
    return head in (b"[", b"{") and not (first.startswith(b"{") and first.endswith((b"}", b"},")) and data.count(b"\n") > 1) and not re.match(rb"\[(pod/|\d|\xf0|[GS])", first)


def damaged(data):
    """Bytes with a torn entry, a byte that is no UTF-8, and half a character; and the lines that were hit."""
    if is_document(data):
        one, two = len(data) // 3, len(data) * 2 // 3
        at, half = letters_near(data, one), letters_near(data, two)
        faulty = data[:at] + b"\xff" + data[at + 1:half] + b"\xe2\x82" + data[half:]
        return faulty, [data[max(0, at - 600):at + 600], data[max(0, half - 600):half + 600]]
    lines = data.split(b"\n")
    full = [n for n, line in enumerate(lines) if len(line) > 30]
    if not full:
        return data, []
    # In a short file one fault is enough.
    torn, byte, half = (full[len(full) * part // 4] if len(full) >= 6 or part == 2 else None for part in (1, 2, 3))
    hit = [lines[n] for n in (torn, byte, half) if n is not None]
    if torn is not None:
        lines[torn] = lines[torn][:len(lines[torn]) * 3 // 5]
    at = letters_near(lines[byte], len(lines[byte]) // 2)
    lines[byte] = lines[byte][:at] + b"\xff" + lines[byte][at + 1:]
    if half is not None:
        at = letters_near(lines[half], len(lines[half]) // 3)
        lines[half] = lines[half][:at] + b"\xe2\x82" + lines[half][at:]
    return b"\n".join(lines), hit


def truncated(data):
    """Bytes that end in the middle of an entry, and what is gone or hit."""
    if is_document(data) or data.count(b"\n") < 3:
        end = len(data) * 4 // 5
    else:
        begin = data.rstrip(b"\n").rfind(b"\n") + 1
        end = begin + (len(data) - begin) * 3 // 5
    begin = data.rfind(b"\n", 0, end) + 1
    return data[:end], [data[begin:] if not is_document(data) else data[max(0, end - 1500):]]


def run(program, case):
    files = [p.name for p in exports(case)]
    out = subprocess.run([program, "--format", "json", *files], cwd=case, capture_output=True)
    lines = subprocess.run([program, "--format", "jsonl", *files], cwd=case, capture_output=True)
    return json.loads(out.stdout), [json.loads(line) for line in lines.stdout.splitlines()]


def of(failure):
    keys = {"id": "correlation_id", "class": "class", "cause": "cause", "status": "status", "route": "route"}
    return {name: failure[key] for name, key in keys.items() if failure.get(key) is not None}


def written(note, report, failures, healthy):
    text = lambda value: json.dumps(value, ensure_ascii=False)
    totals = report["requests"]
    out = [f'note = """\n{note}"""']
    out += [f"{name} = {totals[name]}" for name in ("total", "failed", "aborted", "incomplete")]
    if healthy:
        out += ["healthy = [", *(f"    {text(one)}," for one in healthy), "]"]
    for one in failures:
        out += ["", "[[failed_request]]", *(f"{name} = {text(value)}" for name, value in one.items())]
    for source in report["sources"]:
        out += ["", f"[ledger.{text(source['name'])}]", f"frames = {source['frames']}", f"decoded = {source['decoded']}"]
        for name in ("continuations", "duplicates", "ignored", "rejected"):
            out += [f"{name} = {source[name]}"] if source[name] else []
    return "\n".join(out) + "\n"


NOTES = {
    "damaged": "has a torn entry, a byte that is no UTF-8, and half a character",
    "truncated": "ends in the middle of an entry",
}


def make(program, case, kind, fault, hits):
    name = str(case.relative_to(ROOT))
    target = case.with_name(f"{case.name}-{kind}")
    target.mkdir(exist_ok=True)
    hit = b""
    for export in exports(case):
        bytes_, lost = fault(export.read_bytes())
        (target / export.name).write_bytes(bytes_)
        hit += b"\n".join(lost) + b"\n"
    clean = tomllib.loads((case / "truth.toml").read_text())
    report, lines = run(program, target)
    # What differs from the clean truth, for people.
    known = {one["id"]: one for one in clean.get("failed_request", []) if "id" in one}
    now = {line["correlation_id"]: of(line) for line in lines if line["correlation_id"]}
    trouble = []
    for id_, should in known.items():
        is_hit = id_.split(":")[-1].encode() in hit
        have = now.get(id_)
        if have is None or any(have.get(key) != value for key, value in should.items()):
            what = "gone" if have is None else {k: have.get(k) for k, v in should.items() if have.get(k) != v}
            (hits if is_hit else trouble).append(f"{name} {kind}: {id_}: {what}")
    trouble += [f"{name} {kind}: new: {now[id_]}" for id_ in now if id_ not in known]
    if len(lines) > clean["failed"]:
        trouble.append(f"{name} {kind}: {len(lines)} failed, {clean['failed']} when clean")
    healthy = [one for one in clean.get("healthy", []) if one.encode() not in hit]
    note = f"`{case.name}` where each export {NOTES[kind]}. What no fault hit is told as in the clean case."
    words, rows = note.split(" "), [""]
    for word in words:
        if len(rows[-1]) + len(word) > 118:
            rows.append("")
        rows[-1] += word + " "
    note = "\n".join(row.strip() for row in rows)
    failures = [dict(known[line["correlation_id"]]) if line["correlation_id"] in known and not trouble and all(
        of(line).get(k) == v for k, v in known[line["correlation_id"]].items()) else of(line) for line in lines]
    (target / "truth.toml").write_text(written(note, report, failures, healthy))
    return trouble


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    only = sys.argv[2:]
    trouble, hits, made = [], [], 0
    for truth in sorted(ROOT.glob("*/*/truth.toml")):
        case = truth.parent
        name = str(case.relative_to(ROOT))
        if LEFT_OUT.search(name) or (only and name not in only):
            continue
        trouble += make(program, case, "damaged", damaged, hits)
        trouble += make(program, case, "truncated", truncated, hits)
        made += 1
    print(f"{made} cases; requests that a fault hit:", *hits, sep="\n  ")
    print("to look at:", *trouble, sep="\n  ")


if __name__ == "__main__":
    main()
