// Copyright (c) 2026, dagops.airflow contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Local-path-helper makes or removes the directory of one volume. The local-path provisioner runs it in a pod on the
// volume's node and says what to do by its documented arguments: -p PATH -s BYTES -m MODE -a create|delete.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	path := flag.String("p", "", "directory of the volume")
	action := flag.String("a", "", "create or delete")
	flag.String("s", "", "size in bytes (a directory has none)")
	flag.String("m", "", "volume mode (a directory is always a file system)")
	flag.Parse()
	if err := run(*action, *path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(action, path string) error {
	if path == "" {
		return fmt.Errorf("no directory given: -p is needed")
	}
	switch action {
	case "create":
		if err := os.MkdirAll(path, 0o777); err != nil {
			return err
		}
		// The umask took bits from MkdirAll's mode, and a pod of any uid must be able to write.
		return os.Chmod(path, 0o777)
	case "delete":
		return os.RemoveAll(path)
	default:
		return fmt.Errorf("unknown action %q: only create and delete are known", action)
	}
}
