"""What a worker can do next: take the lane, run a transaction in it, publish what it left, lose it."""
from rules import RULES
from state import BLOCKED, Lane, Letter, announces, record, scenario
from transactions import (accept_loss_txn, begin, count, decide_txn, drained, due_txn, head_txn, replay_txn, tries,
                          without)


def spend(budget, **what):
    return budget._replace(**{k: getattr(budget, k) - n for k, n in what.items()})


def with_lane(w, who, lane):
    return tuple(lane if x == who else m for x, m in enumerate(w.mem))


def commit(w, newdb, durable, **kw):
    """A durable commit makes every earlier one durable too: the database's log is one."""
    flushed = newdb if durable and scenario().loss == "crash" else w.durable
    return w._replace(db=newdb, durable=flushed, **kw)


def position_lost(db, log):
    if db.next_m < log.low:
        return RULES["check_low"]
    if db.next_m > log.high:
        return RULES["check_high"]
    probe = db.mark is not None and log.low <= db.mark[0] < log.high
    return RULES["check_timestamp"] and probe and db.mark[1] != log.made


def take(w, who, owned):
    """Assignment; a previous owner is not told and goes on as a zombie."""
    db, log = w.db, w.log
    start = log.low if db.start is None else db.start
    nd = db._replace(token=(w.tokens if RULES["token"] else db.token) + 1, seq=db.seq + 1, start=start,
                     next_m=start if db.start is None else db.next_m)
    lane = Lane(nd.token, nd.seq, nd.next_m, nd.next_r, nd.head if RULES["load_heads"] else None, None,
                bool(position_lost(nd, log)), log.made,
                None if RULES["resume_drains"] and RULES["due_in_row"] and RULES["dead_head_rests"] else nd.head)
    offered = start if w.offered is None else min(start, w.offered)
    return f"assign w{who}", commit(w, nd, RULES["taking_durable"], tokens=max(w.tokens, nd.token), offered=offered,
                                    mem=with_lane(w, who, lane),
                                    budget=spend(w.budget, fault=1) if owned else w.budget)


def may_act(w, lane):
    """Has the head's time come, as far as its owner knows?"""
    head = lane.head
    if head is None:
        return False
    found = head == lane.found
    if head[1] == BLOCKED:
        return found and not RULES["dead_head_rests"]
    if head[1] == 1:
        return RULES["resume_drains"] or not found
    if head in w.retry and not RULES["not_early"] or found and not RULES["due_in_row"]:
        return True
    return head in w.ripe and (head in w.retry or RULES["acts_on_due_time"])


def from_log(w, who, lane):
    """The transaction for the next record of the main partition."""
    item = record(w.log, lane.next_m)
    after = lane._replace(next_m=lane.next_m + 1)
    mark = (lane.next_m, w.log.made)
    if item is None:
        mark = w.db.mark if RULES["mark_survives_gap"] else None
    db = w.db._replace(head=lane.head, next_m=lane.next_m + 1, mark=mark)
    if isinstance(item, Letter) and RULES["copy_is_request"]:
        nd = count(db, duplicate=1) if RULES["copy_is_duplicate"] else db
        yield f"w{who} main copy of {item}", replay_txn(nd, item), after, w.budget
        return
    for nd, b, how in tries(db, w.budget, begin, item.event if isinstance(item, Letter) else item):
        yield f"w{who} main {item} {how}", nd, after, b


def from_key(w, who, lane):
    """The transactions for what holds the key or waits for its time."""
    db = w.db._replace(head=lane.head)
    if may_act(w, lane):
        acted = db._replace(early=db.early or lane.head[1] > 1 and lane.head not in w.ripe)
        for nd, b, how in tries(acted, w.budget, head_txn):
            for d, left, trail in drained(nd, b):
                yield f"w{who} head {lane.head} {how}{trail}", d, lane, left
    for item in db.scheduled:
        if item in w.ripe:
            for nd, b, how in tries(db, w.budget, due_txn, item):
                yield f"w{who} due {item} {how}", nd, lane, b


def from_retry(w, who, lane):
    """The transactions for records of the retry partition. A retry record changes nothing, whenever it is read."""
    if lane.next_r < len(w.copies):
        nd, after = w.db, lane._replace(next_r=lane.next_r + 1)
        if RULES["copy_is_request"]:
            nd = replay_txn(nd, w.copies[lane.next_r])
        yield f"w{who} retry copy of {w.copies[lane.next_r]}", nd._replace(next_r=after.next_r), after, w.budget
        if not RULES["copy_moves_position"]:
            yield f"w{who} moves past a copy", w.db._replace(next_r=after.next_r), after, w.budget
    if not RULES["copy_has_marks"]:
        for event, attempt, life in w.retry:
            if (event, life) in w.db.dead:
                yield (f"w{who} retry {(event, attempt, life)}", replay_txn(w.db, Letter(event, life)), lane, w.budget)


def from_operators(w, who, lane):
    """The transactions for commands."""
    for command in dict.fromkeys(w.db.commands):
        what, letter = command
        nd, after = w.db._replace(commands=without(w.db.commands, command)), lane
        if what == "replay":
            nd = replay_txn(nd, letter)
        elif what != "accept loss":
            nd = decide_txn(nd, what, letter)
        elif lane.stopped and not nd.stopped:
            continue   # it tells of the loss first
        elif lane.stopped:
            nd = accept_loss_txn(nd, w.log)
            after = lane._replace(next_m=nd.next_m, stopped=False, made=w.log.made)
        yield f"w{who} {what} {letter}", nd, after, w.budget
    if lane.stopped and not w.db.stopped:
        yield f"w{who} marks the lane stopped", w.db._replace(stopped=True), lane, w.budget


def from_outbox(w, who, lane):
    """The transactions that delete what was published."""
    db = w.db
    if RULES["delete_after_ack"] and lane.page and lane.page[1]:
        rest = tuple(row for row in db.outbox if row != lane.page[0])
        yield f"w{who} deletes {lane.page[0]}", db._replace(outbox=rest), lane._replace(page=None), w.budget
    if not RULES["delete_after_ack"] and db.outbox and not lane.page:
        yield (f"w{who} deletes {db.outbox[0]} unpublished", db._replace(outbox=db.outbox[1:]),
               lane._replace(page=(db.outbox[0], False)), w.budget)


def outcomes(w, who, lane):
    """The transactions that the owner may run now: (label, database, lane afterwards, budget)."""
    if not lane.stopped and lane.next_m < w.log.high:
        yield from from_log(w, who, lane)
    yield from from_key(w, who, lane)
    yield from from_retry(w, who, lane)
    yield from from_operators(w, who, lane)
    yield from from_outbox(w, who, lane)


def unrecorded(before, after):
    """Without the outbox: what the owner would have to publish itself, once it has committed."""
    return [("dlt", letter) for letter in after.dead if announces() and letter not in before.dead]


def published(w, row):
    kind, what = row
    return {"retry": w.retry | {what}} if kind == "retry" else {"dlt": w.dlt | {what}}


def transact(w, who, lane, label, nd, after, b):
    """One transaction and every way in which it can end."""
    db = w.db
    nd = nd._replace(seq=lane.seq + 1)
    after = after._replace(head=nd.head, seq=nd.seq, found=after.found if after.found == nd.head else None)
    durable = any(row not in db.outbox for row in nd.outbox) and RULES["outbox_durable"]
    gone, less = with_lane(w, who, None), spend(b, fault=1)
    moved = nd.next_m != db.next_m or nd.next_r != db.next_r
    if not RULES["position_in_txn"] and b.fault and moved:
        back = nd._replace(seq=db.seq, next_m=db.next_m, next_r=db.next_r, counts=db.counts)
        yield label + ", crash before the position", commit(w, back, durable, mem=gone, budget=less)
    if not RULES["counts_in_txn"] and b.fault and nd.counts != db.counts:
        yield label + ", crash before the counters", commit(w, nd._replace(counts=db.counts), durable, mem=gone,
                                                            budget=less)
    done = commit(w, nd, durable, mem=with_lane(w, who, after), budget=b)
    rows = [] if RULES["outbox"] else unrecorded(db, nd)
    if rows and b.fault:
        yield label + ", crash before publishing", done._replace(mem=gone, budget=less)
        yield label + ", crash after publishing, before the commit", w._replace(
            mem=gone, budget=less, **published(w, rows[0]))
    for row in rows:
        done = done._replace(**published(done, row))
    yield label, done
    if b.fault:   # committed, but the worker never heard
        keeps = None if RULES["doubt_drops"] else lane._replace(seq=nd.seq)   # asks for the number only
        yield label + ", in doubt", done._replace(mem=with_lane(w, who, keeps), budget=less)


def worker(w, who, lane):
    db, budget = w.db, w.budget
    if budget.fault:
        yield f"crash w{who}", w._replace(mem=with_lane(w, who, None), budget=spend(budget, fault=1))
    other, older = db.token != lane.token, db.seq != lane.seq
    if (other or older) and RULES["notice"]:
        yield f"w{who} notices", w._replace(mem=with_lane(w, who, None))
    if lane.made != w.log.made or (RULES["check_low"] and not lane.stopped and lane.next_m < w.log.low):
        # the broker refuses the fetch: the lane is taken again, and its position judged then
        yield f"w{who} cannot fetch", w._replace(mem=with_lane(w, who, None))
        return
    # outbox: read a row, publish it, delete it; whoever holds the lane, or believes so
    if RULES["delete_after_ack"] and lane.page is None and db.outbox:
        row = db.outbox[0]
        now = {} if announces() else published(w, row)
        yield f"w{who} reads {row}", w._replace(mem=with_lane(w, who, lane._replace(page=(row, bool(now)))), **now)
    if lane.page and not lane.page[1]:
        page = (lane.page[0], True) if RULES["delete_after_ack"] else None
        yield f"w{who} publishes {lane.page[0]}", w._replace(mem=with_lane(w, who, lane._replace(page=page)),
                                                             **published(w, lane.page[0]))
    possible = list(outcomes(w, who, lane))
    if possible and (RULES["fence"] and other or RULES["sequence"] and not other and older):
        yield f"w{who} fenced", w._replace(mem=with_lane(w, who, None))
        return
    for label, nd, after, b in possible:
        yield from transact(w, who, lane, label, nd, after, b)
