"""Whether the audit extract of a package is a part of the audit chain whose length and last hash the seal fixes."""

import hashlib

from evidence.checking import RefusedError, Run, read_file, read_object
from evidence.leaves import parse_leaf
from evidence.staging import AUDIT, CUSTODY


def check_custody(run: Run) -> None:
    """Entries in order, each as it was written, neighbours linked, and the chain's last one where it is inside.

    Entries on other streams are left out of the extract, so links across them can be checked by the recorder alone.
    """
    audit = read_object(run, CUSTODY).get("audit")
    count, head = (audit.get("entries"), audit.get("head")) if isinstance(audit, dict) else (None, None)
    if not isinstance(count, int) or not isinstance(head, str):
        raise RefusedError(CUSTODY, "没有写明审计链", "does not name the audit chain")
    lines = read_file(run, AUDIT).split(b"\n")[:-1] if AUDIT in run.sums else []
    before, link = -1, ""
    for line in lines:
        entry = parse_leaf(line)
        if entry is None or not before < entry["index"] < count:
            raise RefusedError(AUDIT, "有不合形式或次序的记录", "has an entry that is not in its form or place")
        if entry["index"] == before + 1 and link and entry.get("previous") != link:
            raise RefusedError(AUDIT, f"第 {before + 1} 条与前一条不相接", f"entry {before + 1} does not follow")
        before, link = entry["index"], hashlib.sha256(line).hexdigest()
    if before == count - 1 and link and link != head:
        raise RefusedError(AUDIT, "与封存的审计链末项不符", "does not end where the sealed chain ends")
    run.facts["audit_entries"] = len(lines)
