"""The console: server-rendered pages, our own CSS and small ES modules. `render` tells how a page is made."""
