"""What a state of the lane's model consists of, and the questions everything else asks of it."""
from collections import namedtuple

from rules import RULES

# How many parked events a transaction applies once it has finished their head.
DRAIN_BOUND = 1
# In a head, instead of the number of an attempt: the event is dead and holds its key until an operator decides.
BLOCKED = 0

# The database: one lane's row (token, seq, positions, start, mark, counts, stopped) and what its transactions wrote.
# start: the first offset ever counted, None while the lane has no row. mark: (offset, timestamp) of the last record
# before next_m. head: (event, attempt to make, life) that holds the key, or None; an event begins a new life with each
# replay. parked: (event, life)s waiting behind it. scheduled: (event, life)s whose time has not come.
# outbox: rows ("retry", head) and ("dlt", letter). applied, dead, discarded: the effects in order, a letter being
# (event, life). let_go: letters that an operator released the key of. tried: (event, attempt, life)s.
# places: (event, life)s in the order in which they took their place in the key's order. commands: what operators
# asked for, as (what, letter). lost: offsets that an operator wrote off. early: a head acted before its time.
Db = namedtuple("Db", "token seq next_m next_r start mark stopped head parked scheduled outbox applied dead discarded "
                      "let_go tried places commands lost early counts")
# Conservation: next_m - start is always the sum of these.
Counts = namedtuple("Counts", "applied duplicate dead open gaps lost")
# durable: what a database crash leaves. retry: the retry records that exist, as a set: a reader may come to any of
# them at any time, late or again, or never. dlt: the dead letters announced, as a set. copies: what hands re-published
# to the retry partition, next_r being the position there. log: the main partition. mem: per worker, what it believes of
# the lane, or None when it does not own it. tokens: how many were ever given out (a database that went back does not
# give one out twice). offered: the lowest offset from which the lane was ever taken; what follows it must not vanish
# unseen. ripe: what waits for a time that has come. asked: the letters whose replay anybody ever asked for.
World = namedtuple("World", "db durable retry dlt copies log mem budget tokens offered ripe asked")
# made: which incarnation of the topic this is (its records' timestamps differ); it holds [low, high). tail: copies of
# dead letters that hands appended to it.
Log = namedtuple("Log", "made low high tail")
# page: (outbox row in hand, published?) or None. stopped: the log lost the lane's position. made: of the log it reads.
# found: the head that was there at taking; only some mutants care.
Lane = namedtuple("Lane", "token seq next_m next_r head page stopped made found")
Letter = namedtuple("Letter", "event life")


class Exploration:
    """The exploration at hand; set by it, read by everything else."""
    scenario = None
    counts_watched = True


def scenario():
    return Exploration.scenario


def rejected(event):
    return event.isupper()


def record(log, offset):
    """What a reader finds at this offset; None where there is no record (any more)."""
    if not log.low <= offset < log.high:
        return None
    records = scenario().logs[log.made]
    return records[offset] if offset < len(records) else log.tail[offset - len(records)]


def has_inbox():
    return RULES["inbox"] and scenario().inbox


def announces():
    return scenario().loss == "crash"


def initial():
    made = scenario()
    db = Db(token=0, seq=0, next_m=0, next_r=0, start=None, mark=None, stopped=False, head=None, parked=(),
            scheduled=(), outbox=(), applied=(), dead=(), discarded=(), let_go=(), tried=(), places=(), commands=(),
            lost=(), early=False, counts=Counts(0, 0, 0, 0, 0, 0))
    return World(db=db, durable=db, retry=frozenset(), dlt=frozenset(), copies=(),
                 log=Log(0, 0, len(made.logs[0]), ()), mem=(None, None), budget=made.budget, tokens=0, offered=None,
                 ripe=frozenset(), asked=frozenset())


def canonical(w):
    """The two workers are alike; what is durable matters only while a database crash may still come, and of the times
    that have come those that something waits for."""
    one, two = w.mem
    mem = (one, two) if one is None or (two is not None and one.token <= two.token) else (two, one)
    durable = w.durable if w.budget.fault else w.db
    ripe = w.ripe
    if ripe:
        ripe &= {w.db.head, durable.head, *w.db.scheduled, *durable.scheduled, *(m.head for m in mem if m)}
    return w._replace(mem=mem, durable=durable, ripe=ripe)
