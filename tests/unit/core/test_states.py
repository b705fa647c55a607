"""The table of states and verbs, as the architecture prints it."""

from core.model.states import EFFECTS, FINAL, Effect, State, Verb, allows


def test_every_verb_says_what_it_does_in_every_state() -> None:
    assert set(EFFECTS) == set(Verb)
    assert all(set(effects) == set(State) for effects in EFFECTS.values())


def test_three_states_are_final() -> None:
    assert {state for state in State if state.is_final} == FINAL == {State.DEAD, State.COMPLETED, State.CANCELLED}


def test_the_table() -> None:
    told = {
        state: tuple(EFFECTS[verb][state].value for verb in (Verb.RETRY, Verb.CANCEL, Verb.DISCARD)) for state in State
    }
    assert told == {
        State.SCHEDULED: ("run now", "cancel", "cancel"),
        State.PENDING: ("conflict", "cancel", "cancel"),
        State.HELD: ("run now", "cancel", "cancel"),
        State.RUNNING: ("conflict", "ask", "conflict"),
        State.FAILED: ("run now", "cancel", "cancel"),
        State.DEAD: ("run afresh", "cancel", "cancel"),
        State.COMPLETED: ("copy", "conflict", "conflict"),
        State.CANCELLED: ("run afresh", "conflict", "conflict"),
    }


def test_a_button_shows_where_its_verb_applies() -> None:
    assert allows(Verb.RETRY, State.DEAD)
    assert not allows(Verb.CANCEL, State.COMPLETED)
    assert EFFECTS[Verb.CANCEL][State.RUNNING] is Effect.ASK
