// Command datanet is the whole pipeline: see the README, or datanet help.
package main

import "os"

func main() { os.Exit(newApp().run(os.Args[1:])) }
