"""The model of events that kill the process that runs them: two worker processes, one or two lanes, each with a log and
perhaps a replayed event at the head of its key. What the lane's model shows (fence, positions, outbox, order) is
taken for granted here: a taking invalidates the previous owner, and a commit is whole.

A lane that was not let go cleanly is suspect: before its owner runs anything of it, it writes a mark that says what it
is about to run and how many events that is. Whoever finds the mark knows that the owner ended while these ran, and
runs half as many; one event that was running alone at ALONE_ENDS ends dies without being run again.
"""
from collections import namedtuple

from rules import RULES
from state import scenario

BATCH = 2
ALONE_ENDS = 3
# No healthy protocol runs a deadly event more often than this, with the faults that the worlds allow.
MOST_RUNS = 12

# A lane in the database. clean: its last owner let it go; False while it is owned. mark: what the owner was about to
# run, or None.
Row = namedtuple("Row", "token next head clean mark applied dead")
# unit: the next events of the "log", or the "head". ends: how often this one event was found to have been running
# alone. armed: nobody has counted this end yet.
Mark = namedtuple("Mark", "unit size ends armed")
# What a worker believes of a lane. suspect: what it runs next is marked first. found: the mark that the taking left.
# run: (unit, events) in flight, whose mark is durable if it needs one.
Lane = namedtuple("Lane", "token suspect found run")
# Instead of a Lane, in a worker that lives and has lost touch: it takes the lane again, and if the row still shows the
# token that it had, nobody else has had the lane since.
DROPPED = "dropped"
# durable: what remains of rows if the machine of the database goes too. procs: per worker, per lane. runs: how often
# the deadly event was run since it last died.
World = namedtuple("World", "rows durable procs budget tokens runs")


def initial():
    row = Row(0, 0, None, True, None, (), ())
    rows = (row,) * len(scenario().logs)
    return World(rows, rows, ((None,) * len(rows),) * 2, scenario().budget, 0, 0)


def canonical(w):
    """The workers are alike; tokens matter only as far as they differ from the lane's present one."""
    procs = tuple(tuple(m._replace(token=w.rows[n].token if m.token == w.rows[n].token else -1)
                        if isinstance(m, Lane) else m for n, m in enumerate(proc)) for proc in w.procs)
    return w._replace(procs=tuple(sorted(procs, key=repr)))


def spend(w, **what):
    return w.budget._replace(**{k: getattr(w.budget, k) - n for k, n in what.items()})


def put(items, at, item):
    return items[:at] + (item,) + items[at + 1:]


def with_lane(w, who, n, lane):
    return put(w.procs, who, put(w.procs[who], n, lane))


def commit(w, n, row, durable, **kw):
    rows = put(w.rows, n, row)
    return w._replace(rows=rows, durable=rows if durable else w.durable, **kw)


def narrowed(mark, dropped):
    """What a taking makes of the mark that it finds."""
    if not mark.armed or dropped and RULES["drop_is_no_end"]:
        return mark._replace(armed=False)
    counts = mark.size == 1 or not RULES["only_alone_counts"]
    size = max(1, mark.size // 2) if RULES["narrows"] else mark.size
    return Mark(mark.unit, size, mark.ends + counts, not RULES["end_counts_once"])


def take(w, who, n):
    """Assignment. If another worker believes to own the lane, it is not told, and this costs a fault."""
    owned = any(isinstance(proc[n], Lane) and proc[n].token == w.rows[n].token for proc in w.procs)
    elsewhere = any(proc[n] is not None for at, proc in enumerate(w.procs) if at != who)
    if (owned or elsewhere) and not w.budget.fault:
        return
    row, dropped = w.rows[n], w.procs[who][n] == DROPPED
    mark = narrowed(row.mark, dropped) if row.mark else None
    suspect = mark is not None or not row.clean and RULES["unclean_is_suspect"]
    row = row._replace(token=w.tokens + 1, clean=False, mark=mark)
    others = tuple(put(proc, n, None) if proc[n] == DROPPED else proc for proc in w.procs)
    yield f"assign w{who} lane {n}", commit(
        w, n, row, RULES["quarantine_durable"], tokens=row.token,
        procs=with_lane(w._replace(procs=others), who, n, Lane(row.token, suspect, mark, None)),
        budget=spend(w, fault=1) if owned or elsewhere else w.budget)


def covered(n, row, unit, size):
    return (row.head,) if unit == "head" else scenario().logs[n][row.next:row.next + size]


def begins(w, who, n, lane):
    """What the owner may run now, as (unit, size, ends counted so far)."""
    row, found = w.rows[n], lane.found
    for unit, there in (("head", int(row.head is not None)), ("log", len(scenario().logs[n]) - row.next)):
        if found and found.unit != unit and RULES["marked_goes_first"]:
            continue
        same = found is not None and found.unit == unit
        size = min(there, found.size if same else BATCH)
        if size:
            yield unit, size, found.ends if same else 0


def quiet(w, who, n, alone):
    """May this process begin something of this lane? Alone is alone in the process."""
    if RULES["dropped_first"] and DROPPED in w.procs[who]:
        return False
    if not RULES["alone_in_process"]:
        return True
    for at, lane in enumerate(w.procs[who]):
        if at != n and isinstance(lane, Lane) and lane.run:
            if alone or lane.suspect and len(lane.run[1]) == 1:
                return False
    return True


def ended(row, unit, size, **changes):
    """The row after a unit is done with: its mark goes too."""
    mark = None if RULES["mark_cleared_by_commit"] else row.mark
    if unit == "head":
        return row._replace(head=None, mark=mark, **changes)
    return row._replace(next=row.next + size, mark=mark, **changes)


def owner(w, who, n, lane):
    row = w.rows[n]
    if lane.run:
        yield from runs(w, who, n, lane)
        return
    for unit, size, ends in begins(w, who, n, lane):
        if ends >= ALONE_ENDS:
            event = covered(n, row, unit, size)[0]
            yield f"w{who} buries {event} of lane {n}", commit(
                w, n, ended(row, unit, 1, dead=row.dead + (event,)), True,
                procs=with_lane(w, who, n, lane._replace(found=None, suspect=False)), runs=0)
            continue
        if not quiet(w, who, n, lane.suspect and size == 1):
            continue
        began = with_lane(w, who, n, lane._replace(run=(unit, covered(n, row, unit, size))))
        if lane.suspect and (unit == "log" or RULES["mark_covers_heads"]):
            marked = row._replace(mark=Mark(unit, size, ends, True))
            yield f"w{who} marks and runs {covered(n, row, unit, size)} of lane {n}", commit(
                w, n, marked, RULES["crash_mark_durable"], procs=began)
        else:
            yield f"w{who} runs {covered(n, row, unit, size)} of lane {n}", w._replace(procs=began)


def runs(w, who, n, lane):
    """What becomes of what is in flight. A deadly event takes the process with it, or the machine and its database."""
    row, (unit, events) = w.rows[n], lane.run
    gone = put(w.procs, who, (None,) * len(w.rows))
    if scenario().deadly in events:
        count = w.runs + 1
        yield f"w{who} dies of {events}", w._replace(procs=gone, runs=count)
        lost = tuple(tuple(m and DROPPED for m in proc) for proc in gone)
        yield (f"w{who} dies of {events} with the database's machine",
               w._replace(rows=w.durable, procs=lost, runs=count))
        return
    row = ended(row, unit, len(events), applied=row.applied + events)
    durable = lane.suspect and RULES["mark_cleared_durably"]
    yield f"w{who} commits {events} of lane {n}", commit(
        w, n, row, durable, procs=with_lane(w, who, n, Lane(lane.token, False, None, None)))
    if w.budget.drop:
        less = spend(w, drop=1)
        yield f"w{who} commits {events} of lane {n}, in doubt", commit(
            w, n, row, durable, procs=with_lane(w, who, n, DROPPED), budget=less)


def worker(w, who):
    proc = w.procs[who]
    if w.budget.fault and any(isinstance(lane, Lane) for lane in proc):
        yield f"crash w{who}", w._replace(procs=put(w.procs, who, (None,) * len(proc)), budget=spend(w, fault=1))
    for n, lane in enumerate(proc):
        if not isinstance(lane, Lane):
            yield from take(w, who, n)
            continue
        if lane.token != w.rows[n].token:
            yield f"w{who} is fenced off lane {n}", w._replace(procs=with_lane(w, who, n, None))
            if lane.run and scenario().deadly in lane.run[1]:
                yield from runs(w, who, n, lane)
            continue
        yield from owner(w, who, n, lane)
        if not w.budget.drop:
            continue
        less = spend(w, drop=1)
        yield f"w{who} loses touch with lane {n}", w._replace(procs=with_lane(w, who, n, DROPPED), budget=less)
        if not lane.run:
            yield f"w{who} lets go of lane {n}", commit(
                w, n, w.rows[n]._replace(clean=True), True, procs=with_lane(w, who, n, None), budget=less)


def successors(w):
    for who in range(len(w.procs)):
        yield from worker(w, who)
    for n, row in enumerate(w.rows):
        if w.budget.request and row.dead and row.head is None:
            yield f"operator replays {row.dead[0]}", commit(
                w, n, row._replace(head=row.dead[0], dead=row.dead[1:]), True, budget=spend(w, request=1))
    if w.durable != w.rows:
        yield "wal flush", w._replace(durable=w.rows)


def broken(w):
    for n, row in enumerate(w.rows):
        if set(row.dead) - set(scenario().deadly):
            return f"a healthy event died: {row.dead}"
        if len(set(row.applied)) != len(row.applied):
            return "an event was applied twice"
        if sorted(row.applied + row.dead + ((row.head,) if row.head else ())) != sorted(scenario().logs[n][:row.next]):
            return "an event was lost"
    if w.runs > MOST_RUNS:
        return f"an event that kills was run {w.runs} times"
    return None


NOT_PROGRESS = ("crash", "wal flush", "assign", "operator", "w0 loses", "w1 loses", "w0 lets", "w1 lets")


def broken_at_rest(w, labels):
    owned = all(any(isinstance(proc[n], Lane) for proc in w.procs) for n in range(len(w.rows)))
    if not owned or any(not label.startswith(NOT_PROGRESS) for label in labels):
        return None
    left = [n for n, row in enumerate(w.rows) if row.head or row.next < len(scenario().logs[n])]
    return f"lanes {left} do not go on" if left else None
