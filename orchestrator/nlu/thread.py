"""The thread of one request: its steps so far, what was said, what was put aside."""

from dataclasses import dataclass, field, replace

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import Mention
from orchestrator.nlu.remarks import Remarks

_STARTING = frozenset({"start", "enable", "resume"})
_STOPPING = frozenset({"stop", "disable", "pause", "drain"})
_BACK = frozenset({"again", "back", "wieder", "nouveau", "nuevo", "vuelta"})
_AGAIN = frozenset(
    {"again", "another", "twice", "once", "more", "repeat", "nochmal", "encore", "otra"}
)


@dataclass(slots=True)
class Thread:
    """State shared by what reads one request."""

    text: str
    remarks: Remarks
    drafts: list[Draft] = field(default_factory=list)
    said: list[Mention] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)  # place in the text, words
    silent: list[tuple[int, str]] = field(default_factory=list)  # told when nothing else is
    asides: list[tuple[int, str]] = field(default_factory=list)  # told when there is no step
    exceptions: list[tuple[Clause, int]] = field(default_factory=list)
    """ "except redis", and from which list on it is taken out at the end."""
    sentence: int = 0
    group: int = 0

    @property
    def last(self) -> Draft | None:
        """The step before, if any."""
        return self.drafts[-1] if self.drafts else None

    def state(self) -> object:
        """Return what is compared to see whether a clause added anything."""
        steps = [(id(d), d.words, dict(d.parameters), [*d.doubts]) for d in self.drafts]
        return steps, len(self.refused), len(self.silent), len(self.asides)

    def draft(
        self, clause: Clause, profile: Profile | None, fill: Fill, confidence: float
    ) -> Draft:
        """Return a step that is not part of the thread yet."""
        return Draft(
            clause=clause,
            words=self.words(clause),
            profile=profile,
            sentence=self.sentence,
            group=self.group,
            parameters=dict(fill.parameters),
            confidence=confidence,
            fill=fill,
            concurrent=clause.concurrent,
            last=clause.piece.role is Role.BEFORE,
        )

    def insert(self, draft: Draft) -> None:
        """Add a step; "… after backing it up" goes before the steps of the clause before."""
        if self._is_said_already(draft):
            return
        if (draft.clause.piece.role is Role.AFTER or draft.clause.ahead) and self.drafts:
            draft.sentence = self.drafts[-1].sentence
            group = self.drafts[-1].group
            place = next(i for i, d in enumerate(self.drafts) if d.group == group)
            self.drafts.insert(place, draft)
        else:
            self.drafts.append(draft)
        self.said.append(Mention(draft=draft))

    def _is_said_already(self, draft: Draft) -> bool:
        """Whether "cordon node1 and drain it" only says the step before again."""
        last = self.last
        if last is None or last.earlier or draft.profile is None or draft.doubts:
            return False
        same = last.profile is draft.profile and last.parameters == draft.parameters
        verbs, before = ({v.canonical for v in d.clause.verbs} for d in (draft, last))
        return (
            same and bool(draft.parameters) and not verbs & before and not says_again(draft.clause)
        )

    def recall(self, clause: Clause, lexicon: Lexicon) -> None:
        """Let "start it again" speak of what was stopped, whatever was said in between."""
        groups = frozenset[str]().union(*(verb.groups for verb in clause.verbs))
        said = {token.fold for token in clause.piece.tokens}
        if said & lexicon.words("plural_pronouns"):
            return  # "start both again"
        if clause.form is not Form.ORDER or not groups & _STARTING or not said & _BACK:
            return
        places = clause.verb_places
        named = {
            token.value for place, token in enumerate(clause.tokens) if place not in places
        } - {token.value for token in clause.tokens if token.fold in lexicon.words("stop")}
        for draft in reversed(self.drafts):
            stopped = any(verb.groups & _STOPPING for verb in draft.clause.verbs)
            values = {str(value) for value in draft.parameters.values()}
            if stopped and not draft.earlier and named <= values:
                self.said.append(Mention(draft=draft))
                return

    def forget_earlier(self) -> None:
        """Leave the steps of the request before out of this one."""
        self.drafts = [draft for draft in self.drafts if not draft.earlier]

    def revive(self, previous: Draft, clause: Clause) -> Draft:
        """Return `previous` to be changed; of the request before, a copy of it and its list."""
        if not previous.earlier:
            return previous
        self.group += 1
        copies = [
            replace(
                draft,
                earlier=False,
                sentence=self.sentence,
                group=self.group,
                parameters=dict(draft.parameters),
                clause=replace(draft.clause, piece=clause.piece),
                words=self.words(clause),
            )
            for draft in self.drafts
            if draft.group == previous.group
        ]
        self.drafts += copies
        return copies[-1]

    def drop_last(self, *, one: bool = False) -> None:
        """Take back the last step, with all of its list; `one` for "web1, web2 (skip)"."""
        if one and sum(draft.group == self.drafts[-1].group for draft in self.drafts) > 1:
            self.drafts.pop()
        elif self.drafts:
            group = self.drafts[-1].group
            self.drafts = [draft for draft in self.drafts if draft.group != group]

    def refuse(self, clause: Clause, *, always: bool = False) -> None:
        """Put a clause out of scope; a pronoun may still refer to a thing in it.

        "Coffee's in" asks for nothing: a remark is told where there is no step at all, unless
        it is `always` to be told.
        """
        alone = self.last is None or self.last.sentence != self.sentence or self.last.earlier
        aside = not always and self.remarks.is_remark(clause, alone=alone)
        place = (clause.piece.tokens[0].start, self.words(clause))
        (self.asides if aside else self.refused).append(place)
        if clause.form is Form.THING:
            self.said.append(Mention(context=clause))

    def pardon(self, clause: Clause) -> None:
        """Keep a clause as context only: a later step refers to it."""
        start = clause.piece.tokens[0].start
        self.refused = [entry for entry in self.refused if entry[0] != start]
        self.asides = [entry for entry in self.asides if entry[0] != start]

    def announce(self, start: int) -> None:
        """Put aside a refused clause that only announces what follows its colon."""
        told = [entry for entry in (*self.refused, *self.asides) if entry[0] == start]
        self.refused = [entry for entry in self.refused if entry[0] != start]
        self.asides = [entry for entry in self.asides if entry[0] != start]
        self.silent += told

    def keep_silent(self, clause: Clause) -> None:
        """Put a clause aside; it is told when nothing else of the request is."""
        self.silent.append((clause.piece.tokens[0].start, self.words(clause)))

    def words(self, clause: Clause) -> str:
        """Return the person's words of a clause."""
        return self.between(clause, clause)

    def between(self, first: Clause, last: Clause) -> str:
        """Return the person's words from one clause to another."""
        return self.text[first.piece.tokens[0].start : last.piece.tokens[-1].end]


def says_again(clause: Clause) -> bool:
    """Whether a clause wants a thing done once more: "another", "again"."""
    return any(token.fold in _AGAIN for token in clause.piece.tokens)
