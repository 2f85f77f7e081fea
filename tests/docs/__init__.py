"""Pages and site: blocks of code and their output, lines to type, links, notebooks, numbers that pages state."""
