"""Writes a Python archive: the same bytes for the same files."""

import os
import sys
import zipfile


def main():
  out, *paths = sys.argv[1:]
  with zipfile.ZipFile(out, 'w', zipfile.ZIP_STORED) as archive:
    for path in sorted(paths, key=os.path.basename):
      with open(path, 'rb') as file:
        archive.writestr(zipfile.ZipInfo(os.path.basename(path)), file.read())


if __name__ == '__main__':
  main()
