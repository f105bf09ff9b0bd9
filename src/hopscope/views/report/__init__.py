"""Reports: a session's snapshot, printed once, or a line for each fact.

One format a file. `formats.FORMATS` lists them; a whole-document format renders a `document.Document` to a string, a
streaming one (`stream.Streamer`) turns events into lines as they happen. mtr's formats keep mtr's layout (0.95), and
where mtr's output cannot be parsed back, ours can.
"""
