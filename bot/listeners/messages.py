"""What somebody wrote: a request, an answer to a question, a command, or none of our business.

Everything is stored before Slack is acknowledged. A message that Slack brings more than once
(again, over two sockets, or as `app_mention` and as `message`) does its deed once.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.blocks.message import Message
from bot.blocks.replies import answered_message
from bot.commands import Command, Word, parse
from bot.listeners.answers import LONGEST_ANSWER, answers_in
from bot.listeners.face import Face, Me, NotKept
from bot.listeners.orders import DEEDS, Order, as_message, carry_out
from bot.listeners.payload import Said
from bot.listeners.spoken import mentioned, mentions, spoken
from bot.listeners.thinking import Thinking
from bot.people import Unknown
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.request import Ambiguity
from orchestrator.domain.text import with_names
from orchestrator.domain.views import RequestView, SubmitResult
from orchestrator.errors import Error, ErrorCode

_REMEMBERED = 1_000  # messages whose command was answered; a look-up answered twice harms nobody
_TOO_LONG = Error(
    code=ErrorCode.TOO_LARGE,
    message=f"An answer may have {LONGEST_ANSWER:,} characters.",
    hint="Say it in fewer words.",
)


@dataclass(frozen=True)
class Heard:
    """A message, read."""

    said: Said
    text: str
    team: str
    addressed: bool  # by mention, or in a direct conversation
    people: tuple[str, ...] = ()  # whom it mentions; `text` has their ids

    @property
    def key(self) -> str:
        """The name under which this message counts once."""
        return f"{self.team}:{self.said.channel}:{self.said.moment}"


class Messages:
    """Takes in what was said."""

    def __init__(self, face: Face, thinking: Thinking) -> None:
        self._face = face
        self._thinking = thinking
        self._in_hand: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._answered: OrderedDict[str, None] = OrderedDict()

    async def take(self, said: Said) -> None:
        """Do what the message asks for, up to the commit; the rest goes on afterwards.

        Raises:
            NotKept: it could not be stored; Slack must bring it again.
        """
        me = await self._face.me()
        if said.user == me.user or not self._may_concern(said, me):
            return
        key = f"{me.team}:{said.channel}:{said.moment}"
        # Both deliveries of one message at once would each find nothing done yet.
        async with self._in_hand.setdefault(key, asyncio.Lock()):
            heard = _read(said, me)
            if (heard.text or heard.addressed) and not await self._came_before(key):
                await self._take(heard)

    def _may_concern(self, said: Said, me: Me) -> bool:
        """Say whether the message is worth a look: talk in a thread may answer a question.

        What is said to somebody else, by mention, answers nothing.
        """
        if _addressed(said, me):
            return True
        answers = said.thread is not None and not mentioned(said.text)
        return answers or said.channel in self._face.listen_channels

    async def ask(self, said: Said) -> SubmitResult | Error:
        """Keep the text of a message as a request of whoever points at it."""
        heard = _read(said, await self._face.me())
        barred = await self._face.barred(said.user, said.user_team)
        return barred or await self._keep(heard)

    async def _came_before(self, key: str) -> bool:
        if key in self._answered:
            return True
        known = await self._face.service.heard(key)
        if known.error is not None:
            raise NotKept(known.error.message)
        return known.heard

    async def _take(self, heard: Heard) -> None:
        command = _command(heard)
        asked = None if command is not None else await self._asked(heard)
        if command is None and asked is None and not self._is_request(heard):
            return
        barred = await self._barred(heard.said)
        if barred is not None:
            self._remember(heard.key)
            self._face.tell(heard.said.place, barred)
        elif command is not None:
            await self._order(heard, command)
        elif asked is not None:
            await self._answer(heard, asked)
        else:
            self._tell_refusal(heard, await self._keep(heard))

    async def _barred(self, said: Said) -> Error | None:
        """Judge who speaks; while Slack does not say who that is, nothing is decided."""
        try:
            return await self._face.judged(said.user, said.user_team)
        except Unknown as fault:
            raise NotKept(str(fault)) from fault

    def _is_request(self, heard: Heard) -> bool:
        said = heard.said
        listening = said.channel in self._face.listen_channels and said.thread is None
        return heard.addressed or listening

    async def _asked(self, heard: Heard) -> RequestView | None:
        """Return the request whose open question this message answers, if it does.

        People talk to each other in threads too: without a mention only the requester answers.
        """
        if heard.said.thread is None:
            return None
        found = await self._of_thread(heard)
        if found is None or not found.ambiguities:
            return None
        return found if heard.addressed or found.requester == heard.said.user else None

    async def _of_thread(self, heard: Heard) -> RequestView | None:
        found = await self._face.service.request_of_thread(
            heard.team, heard.said.channel, heard.said.root
        )
        if found.error is None:
            return found
        if found.error.is_ours:
            raise NotKept(found.error.message)
        return None

    async def _answer(self, heard: Heard, asked: RequestView) -> None:
        if len(heard.text) > LONGEST_ANSWER:
            self._face.tell(heard.said.place, _TOO_LONG)
            return
        if not heard.text:
            return
        questions: tuple[Ambiguity, ...] = asked.ambiguities
        named = with_names(heard.text, await self._face.names(heard.people))
        given = answers_in(named if len(named) <= LONGEST_ANSWER else heard.text, questions)
        answered = await self._face.service.answer_request(
            asked.request_id, given, heard.said.user, team=heard.team, source_key=heard.key
        )
        self._tell_refusal(heard, answered)
        if answered.error is None and asked.question_message is not None:
            said = {answer.ambiguity_id: answer.text for answer in given}
            shown = answered_message(questions, said, heard.said.user)
            self._face.change(heard.said.channel, asked.question_message, shown)

    async def _keep(self, heard: Heard) -> SubmitResult:
        said = heard.said
        kept = await self._face.service.keep_request(
            heard.text,
            said.user,
            team=heard.team,
            source_key=heard.key,
            channel=said.channel,
            thread=said.root,
        )
        if kept.error is None and kept.status is RequestStatus.PENDING:
            self._thinking.start(kept.request_id, said.channel, said.root, heard.people)
        return kept

    def _tell_refusal(self, heard: Heard, result: SubmitResult) -> None:
        if result.error is None:
            return
        if result.error.is_ours:
            raise NotKept(result.error.message)
        self._remember(heard.key)
        self._face.tell(heard.said.place, result.error)

    async def _order(self, heard: Heard, command: Command) -> None:
        said = heard.said
        self._remember(heard.key)
        command = await self._about_this_thread(heard, command)
        who = await self._face.identity(said.user)
        answer = await carry_out(self._face.service, Order(command, who, heard.key))
        if isinstance(answer, Message) or command.word not in DEEDS:
            self._face.say(said.channel, said.root, as_message(answer), said.place)
        else:
            self._face.tell(said.place, answer)

    async def _about_this_thread(self, heard: Heard, command: Command) -> Command:
        if command.plan is not None or heard.said.thread is None:
            return command
        found = await self._of_thread(heard)
        if found is None or found.plan_number is None:
            return command
        return Command(command.word, str(found.plan_number), command.step)

    def _remember(self, key: str) -> None:
        self._answered[key] = None
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)


def _read(said: Said, me: Me) -> Heard:
    """Read a message; nobody is looked up yet, since what it asks for is kept first."""
    others = tuple(sorted(set(mentioned(said.text)) - {me.user}))
    text = spoken(said.text, bot=me.user, names=dict(zip(others, others, strict=True)))
    return Heard(said, text, me.team, _addressed(said, me), others)


def _addressed(said: Said, me: Me) -> bool:
    return said.by_mention or said.is_direct or mentions(said.text, me.user)


def _command(heard: Heard) -> Command | None:
    if not heard.addressed:
        return None
    return parse(heard.text) if heard.text else Command(Word.HELP)
