"""How large what comes from a device may be: several times what a real one sends, and no more.

Whatever is larger is refused, or cut where cutting leaves something useful, before time or memory
is spent on it. The largest real replies that are recorded: 43 kB of values, 100 kB of parameters.
"""

#: Bytes of one reply with values or parameters.
REPLY_BYTES = 1024 * 1024

#: Bytes of one reply of a data logger: a year of values every five minutes are 3.3 MB.
LOGGER_REPLY_BYTES = 4 * 1024 * 1024

#: Bytes that an answer may have beside its body: status, headers, the sizes of chunks.
HEAD_BYTES = 64 * 1024

#: Characters of a text (a name, a serial number) as a label, a page or a log line shows it.
TEXT_CHARACTERS = 128

#: Elements of an array; the largest real ones have an element for each optimizer, of which large
#: plants have more than 100.
ELEMENTS = 250

#: Tags that are active at a time in one state or choice; real ones have one or two.
TAGS = 16
