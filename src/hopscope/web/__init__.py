"""The read-only screen in a browser: a server of its own, and a viewer's process for each that looks.

``browser ──wss──▶ proxy ──ws──▶ server ──pty──▶ viewer ──mode=ro──▶ store``

The viewer is the screen of ``history follow`` on a terminal of its own (`viewers`), so that keys, mouse, sizes and the
end are what they are on any terminal; the browser's half, xterm.js and what drives it, is textual-serve's, which this
server (`server`) serves on a page of ours (`page`) and whose messages it speaks. Who may look is `guard`'s. aiohttp is
imported in `server` alone: it is part of the extra ``[web]``.
"""
