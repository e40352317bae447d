"""Pack the built site into `_build/dlbook-site.zip`, to be unpacked and read from disk."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

BUILD = Path(__file__).resolve().parents[1] / "_build"
SITE, ARCHIVE = BUILD / "html", BUILD / "dlbook-site.zip"
LEFT_OUT = {"downloads", ".doctrees"}  # what a site offers beside its pages, and what builds them


def pack(site, archive):
    """Write the files of a site to an archive, the same bytes for the same site."""
    files = sorted(
        path
        for path in site.rglob("*")
        if path.is_file()
        and not path.name.startswith(".")
        and not LEFT_OUT & set(path.relative_to(site).parts)
    )
    with ZipFile(archive, "w", ZIP_DEFLATED, compresslevel=9) as packed:
        for path in files:
            # Packed without its time, which says nothing of what is in it.
            name = f"dlbook/{path.relative_to(site).as_posix()}"
            packed.writestr(ZipInfo(name), _from_disk(path), ZIP_DEFLATED)


def _from_disk(path):
    """Return a file's content; a page's policy also names the disk, as some browsers want it to."""
    content = path.read_bytes()
    return content.replace(b" 'self'", b" 'self' file:") if path.suffix == ".html" else content


if __name__ == "__main__":
    pack(SITE, ARCHIVE)
    print(f"{ARCHIVE.relative_to(BUILD.parent)}: {ARCHIVE.stat().st_size / 1e6:.1f} MB")
