"""The model of a lane with one key, put together."""
from invariants import broken, quiescent_broken
from state import canonical, initial
from surroundings import NOT_PROGRESS, successors


def broken_at_rest(w, labels):
    rests = any(w.mem) and all(label.startswith(NOT_PROGRESS) for label in labels)
    return quiescent_broken(w) if rests else None


__all__ = ["broken", "broken_at_rest", "canonical", "initial", "successors"]
