package examples

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/from-socket.io-js.md says what the reference server's API is called here. These
// are the short names that it gives to types; other types stand there by their own.
var shortNames = map[string]string{
	"srv": "framework.Server", "c": "framework.Namespace", "s": "framework.Socket", "key": "framework.Key",
	"O": "framework.Options", "T": "transport.Options", "A": "adapter.Adapter", "L": "adapter.Local",
}

// published are the packages that the table names things of.
var published = []string{
	"framework", "transport", "middleware", "framework/adapter", "framework/adapter/adaptertest",
	"framework/parser/msgpack", "transport/webtransport",
}

var (
	codeSpan  = regexp.MustCompile("`[^`\n]+`")
	qualified = regexp.MustCompile(`\b(\w+)\.([A-Z]\w*)`)
	others    = regexp.MustCompile(`^(?:http|fs|time|context|r)$`) // r is chi's router
)

func TestTheTableForNodeUsersIsCompleteAndNamesWhatExists(t *testing.T) {
	const page = "../docs/from-socket.io-js.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range emptyCell.FindAllString(string(text), -1) {
		t.Errorf("%s: a cell is empty: %s", page, row)
	}

	names, owners := exported(t)
	found := 0
	for _, span := range codeSpan.FindAllString(string(text), -1) {
		for _, m := range qualified.FindAllStringSubmatch(span, -1) {
			of, name := m[1], m[2]
			if others.MatchString(of) {
				continue
			}
			found++
			candidates := append(owners[of], of)
			if long, ok := shortNames[of]; ok {
				candidates = []string{long}
			}
			if !anyOf(names, candidates, name) {
				t.Errorf("%s: %s: there is no %s of %q", page, span, name, candidates)
			}
		}
	}
	if found == 0 {
		t.Errorf("%s: no name found: are they still spelled as this test wants it?", page)
	}
}

func anyOf(names map[string]bool, owners []string, name string) bool {
	for _, of := range owners {
		if names[of+"."+name] {
			return true
		}
	}
	return false
}

// exported returns what the published packages export, as "transport.New" and
// "transport.Session.Send", and the types of a name: "Session" is "transport.Session".
func exported(t *testing.T) (names map[string]bool, owners map[string][]string) {
	t.Helper()
	names, owners = make(map[string]bool), make(map[string][]string)
	for _, dir := range published {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no Go files: %v", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			pkg := tree.Name.Name
			for _, decl := range tree.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					of := pkg
					if d.Recv != nil {
						of += "." + receiver(d.Recv.List[0].Type)
					}
					names[of+"."+d.Name.Name] = true
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						declare(names, owners, pkg, spec)
					}
				}
			}
		}
	}
	return names, owners
}

func declare(names map[string]bool, owners map[string][]string, pkg string, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			names[pkg+"."+name.Name] = true
		}
	case *ast.TypeSpec:
		of := pkg + "." + s.Name.Name
		names[of] = true
		owners[s.Name.Name] = append(owners[s.Name.Name], of)
		var members *ast.FieldList
		switch typ := s.Type.(type) {
		case *ast.StructType:
			members = typ.Fields
		case *ast.InterfaceType:
			members = typ.Methods
		default:
			return
		}
		for _, member := range members.List {
			for _, name := range member.Names {
				names[of+"."+name.Name] = true
			}
		}
	}
}

// receiver is the name of a method's type.
func receiver(typ ast.Expr) string {
	switch t := typ.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
