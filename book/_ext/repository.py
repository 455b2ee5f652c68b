"""Link the site to its repository and to Colab when the address is known.

The address comes from the environment variable GITHUB_REPOSITORY
("owner/name", set by GitHub Actions) or from the git remote `origin`. Without
a GitHub address the site has no such links, so that none of them can be dead.
"""

import os
import re
import subprocess


def find_repository(folder):
    """Return "owner/name" of the GitHub repository of a folder, or None."""
    name = os.environ.get("GITHUB_REPOSITORY", "")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return name
    try:
        remote = subprocess.run(
            ["git", "-C", folder, "remote", "get-url", "origin"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?/?$", remote)
    return found[1] if found else None


def add_links(app, config):
    """Give the theme the repository's address and the launch buttons."""
    name = find_repository(app.srcdir)
    if name is None:
        return
    config.html_theme_options |= {
        "repository_url": f"https://github.com/{name}",
        "repository_branch": "main",
        "use_repository_button": True,
        "launch_buttons": {
            "colab_url": "https://colab.research.google.com",
        },
    }


def open_the_copy(app, pagename, templatename, context, doctree):
    """Let the button open the copy on the branch `colab`, see tools/colab.py.

    Colab opens one file, and a chapter alone has neither data nor checks.
    """
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button["text"] == "Colab":
                button["url"] = button["url"].replace(
                    "/blob/main/", "/blob/colab/"
                )


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", add_links)
    app.connect("html-page-context", open_the_copy, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
