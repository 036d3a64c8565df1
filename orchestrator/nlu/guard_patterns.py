"""What quoted, pasted and injected text looks like; `guard` makes spans of it."""

import re

CODE_RE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
STRUCK_RE = re.compile(r"(?<!~)~~(?!~)[^~\n]+~~(?!~)")
"""What is struck through, as chats and Markdown do: "~~reboot web1~~ patch web2"."""
TICKS_RE = re.compile(r"`([^`\n]+)`")
DOUBLE_RE = re.compile(r'"([^"]+)"')
SINGLE_RE = re.compile(r"(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w)")
URL_RE = re.compile(
    r"\b(?:https?|ssh|git|ftp|s3|tcp)://[^\s<>\"'`,;)]*[^\s<>\"'`,;).!?]", re.IGNORECASE
)
JSON_RE = re.compile(r"\{[^{}]*[:\"][^{}]*\}|\[\s*[\"{][^\[\]]*\]")
ELEMENT_RE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<tag>[a-z][\w-]*)\b[^<>\n]{0,80}>.*?(?:</(?P=tag)>|\Z)|<\|[a-z_]+\|>.*?(?:<\|[a-z_]*end[a-z_]*\|>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
TAG_RE = re.compile(r"<(?=[/a-z|])[^<>\n]{1,80}>", re.DOTALL | re.IGNORECASE)

BLOCK_RE = re.compile(
    r"^[ \t]*[-=#*_~]{2,}[ \t]*(?:BEGIN|START)\b[^\n]*\n.*?"
    r"(?:^[ \t]*[-=#*_~]{2,}[ \t]*END\b[^\n]*|\Z)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
"""What stands between a line such as "---- BEGIN PAGE ----" and its end: pasted."""

_ROLES = (
    r"(?:system|s[ ._-]y[ ._-]s[ ._-]t[ ._-]e[ ._-]m|assistant|developer|user|admin|root|human|ai"
    r"|instructions?|inst|im_start)"
)
ROLE_RE = re.compile(
    r"(?im)(?:^|(?<=[.!?])[ ]*+)(?:"
    rf"[\[<#*|( ]*+(?:{_ROLES}(?:\s+(?:prompt|message|note|override|instructions?))?"
    rf"|(?:important|urgent|critical|official|new)\s+{_ROLES}\s+\w+)"
    rf"[\]>|*) ]*+(?::|(?<= )[\u2014\u2013]\s)"
    rf"|[ ]*+[\[<#*|(]+\s*{_ROLES}[ ]*(?:[\]>|*)]+|\n)"
    r").*",
    re.DOTALL,
)
"""A line that opens like the turn of a dialogue: "system:", "[assistant]", "## instructions"."""
OVERRIDE_RE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|overrule|pay no attention to|stop (?:following"
    r"|obeying)|ignoriere|vergiss|ignorez?|oublie[zr]?|ignora|olvida)\b[^.]{0,60}?"
    r"\b(?:instructions?|rules?|prompts?|guidelines?|restrictions?|polic(?:y|ies)|guardrails?"
    r"|safety|safeguards?|security (?:protocols?|checks?|measures?|controls?)"
    r"|anweisungen|regeln|consignes|regles|r\u00e8gles|instrucciones|reglas|above|training)\b.*"
    r"|\b(?:your|the|all|any) (?:\w+ )?(?:orders|instructions|rules|guidelines|restrictions)\b"
    r"[^.\n]{0,30}\b(?:void|no longer|do not apply|don't apply|are off|are lifted|cancell?ed)\b.*"
    r"|\b(?:your new (?:task|job|role|goal)|(?:hidden|secret) (?:task|instructions?|orders?))\b.*"
    r"|\b(?:begin|enter|start|enable|activate|switch to) \w+ mode\b.*"
    r"|\b(?:you are now|from now on,? you|pretend (?:to be|you)|act as (?:an?|if|the|root|admin\w*"
    r"|system|superuser)|roleplay as|developer mode|dan mode|jailbreak|new instructions?(?=\s*:)"
    r"|du bist jetzt|tu es maintenant|ahora eres|as (?:an?|the|your) (?:admin\w*|root|developer"
    r"|owner|creator),?\s|i am (?:an?|the|your) (?:admin\w*|root|developer|owner|creator))\b.*",
    re.IGNORECASE | re.DOTALL,
)
SKIP_RE = re.compile(
    r"(?:\b(?:and|then|but|so|please|just)\s+)?"
    r"\b(?:skip|skipping|bypass|bypassing|without|no|disable|avoid|omit|forget|don'?t (?:wait for"
    r"|ask for|need)|do not (?:wait for|ask for)|not waiting for|no need for|ohne|sans|sin)\s+"
    r"(?:the |any |an |my |your |further |asking for |asking |waiting for |waiting |human |usual "
    r"|die |l'|la )*"
    r"(?:approvals?|confirmations?|permission|review step|sign-?off|freigabe|genehmigung"
    r"|approbation|confirmation|aprobaci[oó]n|confirmaci[oó]n|me|anyone|anybody)\b"
    r"(?:\s+(?:is |are )?(?:needed|required|necessary|n\u00f6tig|requise?|necesaria)\b)?"
    r"|\b(?:auto[- ]?approve[d]?|self[- ]?approve[d]?|pre[- ]?approved|already approved"
    r"|approve (?:it|this|that|everything|the plan|all)(?: yourself| automatically)?"
    r"|mark (?:it|this) (?:as )?approved|consider (?:it|this) approved"
    r"|(?:it|this|that|everything)(?: is|'s| has been| was) (?:already |pre)?-?approved)\b[^.,;\n]*"
    r"|\bno questions asked\b",
    re.IGNORECASE,
)
SHELL_RE = re.compile(
    r"\$\([^)\n]*\)?|\$\{[^}\n]*\}?|\{\{.*?(?:\}\}|$)|(?:&&|\|\|)[^\n]*|\|\s*(?:sh|bash|zsh|sudo|nc|tee)\b[^\n]*"
    r"|(?:;\s*+)?\b(?:sudo|rm|curl|wget|chmod|chown|dd|mkfs(?:\.\w+)?|bash|eval)\s+(?:-{1,2}\w[^\n;]*|https?:[^\n;]*|if=[^\n;]*|/[^\n;]*)"
    r"|(?:;\s*+)?\b(?:docker|podman|kubectl|systemctl)\s+(?:rm|rmi|kill|delete|stop)\s+-[^\n;]*"
    r"|(?:;\s*+)?\b(?:docker|podman|kubectl|systemctl)\b[^\n;]*\$\([^\n;]*"
    r"|\b(?:sudo|rm)\s+[\w-]+[^\n;,.]*|:\(\)\s*\{[^\n]*"
    r"|(?:['\"]\s*+)?(?:;\s*+)?\b(?:DROP|DELETE|TRUNCATE|ALTER)\s+(?:TABLE|DATABASE|FROM)\s+\w+\s*(?:;|--)[^\n]*",
)
CITED_RE = re.compile(
    r"\b(?:translate|\u00fcbersetze?n?|traduis|traduce|repeat|quote|quoted|cite|print(?:ed|s)|wrote"
    r"|writes|said|says|states|contains?|words|line|phrase|sentence|commit|function_call|tool_call"
    r"|(?:to|for|dear) (?:the |any |all |every )?(?:bot|ai|model|assistant|llm)s?|schrieb|sagte"
    r"|a \u00e9crit|a dit|escribi\u00f3|dijo)\b[^:\n]{0,50}:(?=\s)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
"""What follows "Omar wrote:", "translate:", "the magic words are:" is another's, to the end."""
CALL_RE = re.compile(r"\b(?=\w{1,80}\()\w+_\w+\([^()\n]*\)")
COMMENT_RE = re.compile(r"(?<=\s)(?:#|//)\s.*$|^[ ]*+(?:>|&gt;)+.*$", re.MULTILINE)
"""The rest of a line behind a comment mark; a line that quotes, as mails and chats do."""
PASTED_RE = re.compile(
    r"\b(?:log|logs|text|message|e-?mail|ticket|output|note|comment|readme|page|document|error"
    r"|review|description|transcript|subject|body|file)\b(?:\s+(?:line|file|message|below"
    r"|from \S+))?(?:\s+(?:says?|said|reads|contains|is|was|shows))?\s*:(?=\s)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)

MAIL_RE = re.compile(
    r"(?<=\n)[ ]*(?:(?-i:From|Von)[ ]?:[ ]"
    r"|(?:from|von|de)[ ]?:[ ]"
    r"(?:[^\n]*@|[^\n]*\n[ ]*(?:sent|to|date|subject|betreff|an)[ ]?:[ ])).*",
    re.IGNORECASE | re.DOTALL,
)
"""What follows the head of a mail, below the person's own words: "From: …", or what has an
address or a second line of a head."""
LOG_LINE_RE = re.compile(
    r"^[ >]*(?:"
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\[?\d\d:\d\d:\d\d"
    r"|\[\d{1,2}:\d\d\] "
    r"|\[?\d{1,2}:\d\d(?::\d\d)?\]? (?:<[^>\n]+>|[\w.-]+:) |<\d{1,3}>|\[\s*\d+\.\d{3,}\]"
    r"|(?:\S+ )?(?:\[|\b)(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL|TRACE|NOTICE|PANIC)\b[\]:]"
    r"|Traceback \(|[ ]+at [\w.$]+\(|[ ]*File \"[^\"]+\", line \d+|level=\w+ "
    r"|\w*(?:Error|Exception)\b: |\S{1,64}@\S{1,64}[:~].*[$#] |[$#] |>>> ).*$",
    re.MULTILINE,
)
"""A line of a log, a stack trace or a terminal: pasted, never said."""

FIELD_RE = re.compile(
    r"[ ]*(?:[-*][ ]+)?\**(?!(?:system|assistant|developer|human|ai|root|inst)\b)"
    r"[A-Za-z][\w/-]*(?:[ ][a-z][\w/-]*){0,3}[ ]?:\**[ ]+"
    r"(?:\S*[^\s:]|[A-Z][\w'.-]*(?:[ ][A-Z][\w'.-]*){1,2})(?:[ ]\([\w ]{1,20}\))?[ ]*",
)
"""A field of a form, its value one word or a name: "Computer: pc-3306", "User: Austin Jones"."""

TURN_RE = re.compile(
    r"^[ ]*(?:[-*][ ]+)?\**(?:system|assistant|developer|human|ai|agent|bot|me|you)"
    r"[ ]?:",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that a dialogue has, and no form."""
HEAD_RE = re.compile(r"\s*(?:from|subject|von|betreff)[ ]?:", re.IGNORECASE)
"""How a mail begins."""
ASKING_RE = re.compile(
    r"(?:^|[.!?\n])\s*(?!can\b|could\b|would\b|will\b|please\b)[^.!?\n]*\?", re.IGNORECASE
)
"""A question, and no wish: "is this spam?" before what somebody else has written."""
LABEL_RE = re.compile(r"^[ ]*(?:[-*][ ]+)?\**([A-Za-z][\w/ -]{0,40}?)[ ]?:", re.MULTILINE)
"""What a line begins with, before a colon."""
