"""What stands before a colon: who speaks ("omar: reboot node1"), or a thing ("node1: drain")."""

import re
from collections.abc import Sequence

from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.references import TITLES, Mention, References
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.thread import Thread
from orchestrator.nlu.turns import Turn
from orchestrator.nlu.wordorder import PLACES

_LABEL_WORDS = 3
_DOINGS = ("ing", "tion", "ment", "ness", "ance")
_SPEAKING = frozenset(
    {"bot", "user", "admin", "agent", "assistant", "system", "root", "operator", "ops", "human"}
    | {"ai", "dev", "support", "guest", "anon", "player", "member", "speaker", "person"}
)
"""In the name of whoever speaks: "user1: reboot" is a line of a chat."""
_HEARD_ON = frozenset({"in", "on", "via", "at", "over", "by", "from", "auf", "im", "per", "sur"})
_MEDIA = frozenset(
    {"channel", "slack", "chat", "thread", "mail", "email", "meeting", "standup", "call", "phone"}
    | {"ticket", "dm", "discord", "teams", "irc", "comment", "kanal", "canal", "fil", "hilo"}
)
_ONESELF = frozenset({"me", "myself", "ich", "moi", "yo"})
_NO_THING_RE = re.compile(
    r"[A-Z]{2,}-\d+|[Qqvr]?\d[\d.:-]*|(?:ticket|case|issue|bug|task|sprint|room|step|phase)-?\d+",
    re.ASCII,
)
_LINE_RE = re.compile(r"^\s*([A-Za-z]+)\d*\s*:", re.MULTILINE)

_SIDE = 3  # words of "between the old"
_BETWEEN = frozenset({"between", "zwischen", "entre"})

_NOES = ["no"], ["nein"], ["non"], ["nope"]


class Labels:
    """Knows the catalogue's words; one for each request."""

    def __init__(self, index: CatalogIndex, references: References) -> None:
        self._index = index
        self._references = references

    def is_speaker(self, head: Clause | None, clause: Clause, text: str) -> bool:
        """Whether `head` before a colon names who speaks in `text`, not what is to be done."""
        if head is None or head.form is not Form.THING or head.piece.colon or self._says_when(head):
            return False
        if head.tokens[-1:] and head.tokens[-1].fold in TITLES:
            return False
        return self._is_quoted_from(head) or self._is_named(head, clause, text)

    def _is_named(self, head: Clause, clause: Clause, text: str) -> bool:
        """Whether a name stands before the colon, and nothing that the catalogue speaks of."""
        words = [token for token in head.tokens if is_content(token, self._index.lexicon)]
        known = [token for token in words if self._index.is_known(token)]  # "nginx: restart it"
        others = [token for token in words if token not in known]
        if len(words) == len(others) == 1 and self.is_dialogue(text):
            return True  # "tom: …", whatever a "tom-phone" of the catalogue
        if not 0 < len(words) <= _LABEL_WORDS or any(map(self._index.is_said, others)):
            return False
        again = {token.fold for token in words} & {token.fold for token in clause.tokens}
        again = again if not head.piece.strong else set()  # who asks for himself speaks
        if again or self._is_place(head, words):
            return False  # "onboarding - zoe: create zoe"; "on web1 and web2: …"
        if len(words) > 1 and not all(token.text[:1].isupper() for token in words):
            return False  # people have names: "Offboard darren please: delete his account"
        doing = any(token.fold.endswith(_DOINGS) for token in others)  # "offboarding: remove it"
        if doing or (len(words) == 1 and _is_numbered(words[0]) and self.is_bare(clause)):
            return False  # "node1: drain"
        topic = clause.form is Form.THING or self._references.has_pronoun(clause)
        return not (known and topic)

    def _is_place(self, head: Clause, words: Sequence[Token]) -> bool:
        """Whether it says where, or names several things: nobody speaks together with another."""
        ahead = head.tokens[0].fold in PLACES
        joined = bool(head.piece.lead & ANDS) and not head.piece.strong
        return (ahead or joined) and all(names_thing(token, self._index) for token in words)

    @staticmethod
    def _is_quoted_from(head: Clause) -> bool:
        """Whether "omar in the other channel:", "tom via mail:" says who said it, and where."""
        where = head.tokens[1:]
        told = bool(where) and where[0].fold in _HEARD_ON
        return told and any(t.fold in _MEDIA or t.text.startswith("#") for t in where)

    def _says_when(self, head: Clause) -> bool:
        """Whether "ok, coffee first, then:" says when; nobody is called so."""
        turns = self._index.lexicon.words("sequence") | self._index.lexicon.words("ahead")
        return any(token.fold in turns for token in head.piece.tokens[1:])

    @staticmethod
    def is_dialogue(text: str) -> bool:
        """Whether a line says who speaks: "me: no lol" tells a talk, "Frontend: …" a plan."""
        return any(match[1].casefold() in _SPEAKING | _ONESELF for match in _LINE_RE.finditer(text))

    def is_other_side(self, before: Clause | None, clause: Clause) -> bool:
        """Whether "shutdown" in "the difference between stop and shutdown" is no order."""
        joined = clause.piece.lead == {"and"} and not clause.piece.strong
        if before is None or not joined or not self.is_bare(clause):
            return False
        folded = [token.fold for token in before.tokens[-_SIDE:]]
        return bool(_BETWEEN & {*folded}) and len(clause.tokens) == 1

    def is_bare(self, clause: Clause) -> bool:
        """Whether an order names nothing: what it acts on stands elsewhere."""
        rest = (t for place, t in enumerate(clause.tokens) if place not in clause.verb_places)
        return bool(clause.verbs) and not any(is_content(t, self._index.lexicon) for t in rest)

    def turns(self, label: Clause | None, clause: Clause) -> bool:
        """Whether a clause takes the step before back; "no" in "web2: no" does not."""
        labelled = label is not None and label.form is Form.THING and clause.piece.colon
        answers = label is not None and label.form is Form.QUESTION and label.piece.strong
        answers = answers and [t.fold for t in clause.piece.tokens] in _NOES  # "is it up? No, …"
        return clause.turn is Turn.LAST and (bool(clause.tokens) or not (labelled or answers))

    def excludes(self, label: Clause | None, clause: Clause, thread: Thread) -> bool:
        """Take "web2" back in "web1: reboot, web2: drain", and "no" in "web2: no"."""
        behind = thread.text[clause.piece.tokens[-1].end :]
        if clause.form in {Form.THING, Form.QUESTION} and re.match(r"\s*:\s*\?", behind):
            thread.refuse(clause)  # "web2: ?"
            return True
        if label is None or not self._was_label(label, clause, thread.drafts):
            return False
        thread.drafts.pop()
        thread.said.append(Mention(context=label))
        if not clause.negated and clause.form in {Form.ORDER, Form.TERSE, Form.QUESTION}:
            return False
        said = clause.negated or clause.form is Form.SMALL_TALK
        (thread.keep_silent if said else thread.refuse)(clause)
        return True

    def _was_label(self, label: Clause, clause: Clause, drafts: Sequence[Draft]) -> bool:
        """Whether "web2" in "web1: reboot, web2: no" was no further target of that step."""
        if not drafts or not clause.piece.colon or label.form is not Form.THING:
            return False
        last = drafts[-1]
        if last.clause.piece is not label.piece or self._is_agreed(clause):
            return False
        row = any(d.group == last.group and d.clause.piece.colon for d in drafts)
        placed = label.piece.tokens[0].fold in PLACES  # "restart redis, and on web1: restart nginx"
        return row or placed or self.is_bare(clause) or self._is_declined(clause)

    def _is_agreed(self, clause: Clause) -> bool:
        """Whether "web2: same", "web2: yes" asks for what was asked for the one before."""
        words = ("true_words", "also_words", "same_words")
        agreed = frozenset[str]().union(*map(self._index.lexicon.words, words))
        return not clause.negated and any(token.fold in agreed for token in clause.piece.tokens)

    def _is_declined(self, clause: Clause) -> bool:
        """Whether a clause says "no" or "don't", and nothing more."""
        said = {token.fold for token in clause.piece.tokens}
        return (clause.negated and not clause.tokens) or said <= self._index.lexicon.words(
            "false_words"
        )


def names_thing(token: Token, index: CatalogIndex) -> bool:
    """Whether a word names a thing, by the catalogue or by its shape: "web1", "edge-b".

    No ticket, version, date, role or common words: "INC-4711", "v1.2", "user1", "post-mortem".
    """
    if token.kind is not Kind.WORD:
        return False
    if index.is_known(token):
        return True
    parts = [part for part in re.split(r"[-_]", token.fold) if part]
    shaped = len(parts) > 1 or _is_numbered(token)
    common = all(part in index.lexicon.all_words for part in parts)
    return shaped and not (common or _NO_THING_RE.fullmatch(token.text) or _SPEAKING & {*parts})


def _is_numbered(token: Token) -> bool:
    """Whether a name is one of a row of things ("node1"), not a person's or a bot's."""
    parts = re.findall(r"[a-z]+", token.fold)
    return token.fold[-1:].isdigit() and bool(parts) and not _SPEAKING & {*parts}
