package datasets

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

//go:embed catalog.schema.json
var catalogSchema []byte

// CatalogSchema returns the JSON Schema (draft 2020-12) of the files that
// [ReadCatalog] reads. Editors check and complete a catalog by it. It cannot
// tell all that ReadCatalog tells: time zones, formats, and names that must
// be defined elsewhere in the file.
func CatalogSchema() []byte { return slices.Clone(catalogSchema) }

// A Problem is something in a catalog that is to be changed.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`    // from 1; 0 if it is about no line
	Path    string `json:"path"`    // of the value, such as datasets.taxi.time.column; empty for the whole file
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what to do
	Source  string `json:"source"`  // the lines around, each with its number, the line itself marked
}

// String returns the problem in one line, followed by the lines of Source.
func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text += ":" + strconv.Itoa(p.Line)
	}
	if p.Path != "" {
		text += ": " + p.Path
	}
	text += ": " + p.Message
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	if p.Source != "" {
		text += "\n" + p.Source
	}
	return text
}

// A CatalogError holds all that is wrong with a catalog, by line.
type CatalogError struct {
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *CatalogError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return strings.Join(texts, "\n")
}

// maxCatalogBytes is room for ten thousand datasets.
const maxCatalogBytes = 8 << 20

// ReadCatalog reads a catalog, a YAML file of the keys of [Catalog]:
//
//	city: {name: New York, timezone: America/New_York}
//	regions:
//	  zip: {file: regions/zipcodes.geojson, id: zip}
//	datasets:
//	  taxi:
//	    files: taxi/*.parquet
//	    time: {column: pickup}
//	    place: {region: zip, column: zip_code}
//	    functions: [count, mean(fare)]
//
// Where a list of texts is wanted, one text will do. Anchors, aliases and
// merge keys (<<) work. Unknown and repeated keys are refused.
//
// Relative names of files resolve against the folder of the catalog, see
// [Catalog.Resolve]. The catalog is checked as far as that can be done
// without its files; whatever is wrong with it comes back at once, as a
// *[CatalogError].
func ReadCatalog(ctx context.Context, store Store, name string) (*Catalog, error) {
	text, err := readCatalogText(ctx, store, name)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	r := &catalogReader{
		file:    name,
		source:  strings.Split(string(text), "\n"),
		anchors: map[string]ast.Node{},
		lines:   map[string]int{},
		flawed:  map[string]bool{},
	}
	catalog := &Catalog{folder: folderOf(name)}
	if body := r.parse(text); body != nil {
		ast.Walk(anchorCollector{r}, body)
		r.decode(body, "", reflect.ValueOf(catalog).Elem())
		r.check(catalog)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, &CatalogError{r.problems}
	}
	return catalog, nil
}

func readCatalogText(ctx context.Context, store Store, name string) ([]byte, error) {
	f, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Size() > maxCatalogBytes {
		return nil, fmt.Errorf("%s: %d bytes are too many for a catalog (at most %d); name the YAML file, not the data", name, f.Size(), maxCatalogBytes)
	}
	text, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, ctx.Err()
}

// Resolve returns the name in the store of a file that the catalog names:
// relative paths are relative to the catalog's folder, absolute ones and
// those with a scheme, such as s3:// and https://, stay as they are. A slash
// at the end, which stands for all files of a folder, stays too.
func (c *Catalog) Resolve(name string) string {
	if c.folder == "" || filepath.IsAbs(name) || schemeOf(name) != "" {
		return name
	}
	slash := ""
	if strings.HasSuffix(name, "/") {
		slash = "/"
	}
	if scheme := schemeOf(c.folder); scheme != "" {
		host, folder, _ := strings.Cut(c.folder[len(scheme):], "/")
		// From the root, so that ".." does not leave the bucket.
		return scheme + host + path.Join("/", folder, name) + slash
	}
	return filepath.Join(c.folder, name) + slash
}

// resolvePattern is Resolve for a pattern: the signs of the catalog's own
// folder stand for themselves.
func (c *Catalog) ResolvePattern(pattern string) string {
	escaped := *c
	escaped.folder = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(c.folder)
	return escaped.Resolve(pattern)
}

// Names returns the names of the datasets, ascending.
func (c *Catalog) Names() []string { return sortedKeys(c.Datasets) }

// folderOf returns the folder of a file, empty if its name has none.
func folderOf(name string) string {
	if schemeOf(name) != "" {
		name, _, _ = strings.Cut(name, "?") // the signature of a signed address
		return name[:strings.LastIndexByte(name, '/')+1]
	}
	folder, _ := filepath.Split(name)
	return folder
}

// schemeOf returns the scheme of a name, such as s3://, or nothing.
func schemeOf(name string) string {
	scheme, _, found := strings.Cut(name, "://")
	if !found || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" {
		return ""
	}
	return scheme + "://"
}

// A catalogReader turns the text of a catalog into its values and notes all
// that is wrong on the way.
type catalogReader struct {
	file     string
	source   []string // lines
	anchors  map[string]ast.Node
	lines    map[string]int  // of the values, by path
	flawed   map[string]bool // paths of values with a problem, for which no other is noted
	depth    int             // of nodes being decoded
	merged   int             // keys taken over by merge keys
	problems []Problem
}

// maxDepth is more than a catalog has levels, so that an alias in itself ends.
const maxDepth = 32

// note notes a problem of the value at path.
func (r *catalogReader) note(line int, path, message, hint string) {
	r.flawed[path] = true
	r.problems = append(r.problems, Problem{r.file, line, path, message, hint, r.excerpt(line)})
}

// excerpt returns a line with those around it.
func (r *catalogReader) excerpt(line int) string {
	if line < 1 || line > len(r.source) {
		return ""
	}
	var b strings.Builder
	for i := max(1, line-2); i <= min(len(r.source), line+1); i++ {
		mark := " "
		if i == line {
			mark = ">"
		}
		text := []rune(strings.TrimRight(r.source[i-1], " \t\r"))
		if len(text) > 120 {
			text = append(text[:119], '…')
		}
		fmt.Fprintf(&b, "\n%s %4d | %s", mark, i, string(text))
	}
	return b.String()[1:]
}

// parse returns the root of the document, nil if a problem was noted.
func (r *catalogReader) parse(text []byte) (body ast.Node) {
	// The parser is for any YAML there is, and fails on some of it by a panic.
	defer func() {
		if failure := recover(); failure != nil {
			body = nil
			r.note(0, "", "this is no YAML that can be read", "write it in a simpler way")
		}
	}()
	text = []byte(strings.TrimPrefix(string(text), "\ufeff"))
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, message := 0, err.Error()
		var located yaml.Error
		if errors.As(err, &located) {
			message = located.GetMessage()
			if t := located.GetToken(); t != nil && t.Position != nil {
				line = t.Position.Line
			}
		}
		r.note(line, "", "not YAML: "+message, "look at the indentation, colons and quotes here and above")
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		r.note(0, "", "the catalog is empty", "it needs the keys city and datasets")
		return nil
	case 1:
		return bodies[0]
	}
	r.note(lineOf(bodies[1]), "", "a second document", "put all into one document, without --- between")
	return nil
}

// An anchorCollector collects the nodes that have an anchor.
type anchorCollector struct{ r *catalogReader }

func (c anchorCollector) Visit(node ast.Node) ast.Visitor {
	if a, ok := node.(*ast.AnchorNode); ok && a.Name != nil {
		name := a.Name.GetToken().Value
		if c.r.anchors[name] != nil {
			c.r.note(lineOf(a), "", fmt.Sprintf("a second anchor &%s", name), "give each anchor a name of its own")
		}
		c.r.anchors[name] = a.Value
	}
	return c
}

// lineOf returns the line of a node, 0 if it is not known.
func lineOf(node ast.Node) int {
	if node == nil {
		return 0
	}
	if m, ok := node.(*ast.MappingValueNode); ok && m.Key != nil {
		node = m.Key // the token of the node is the colon
	}
	t := node.GetToken()
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

// resolve returns the node that an anchor or alias stands for, nil if a
// problem was noted.
func (r *catalogReader) resolve(node ast.Node, path string) ast.Node {
	for range maxDepth {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			name := n.Value.GetToken().Value
			if node = r.anchors[name]; node == nil {
				r.note(lineOf(n), path, fmt.Sprintf("no anchor &%s for the alias *%s", name, name), "a text that begins with * needs quotes")
				return nil
			}
		case *ast.TagNode:
			r.note(lineOf(n), path, fmt.Sprintf("a tag (%s)", n.Start.Value), "leave it out; a text that begins with ! needs quotes")
			return nil
		case nil:
			return ast.Null(nil)
		default:
			return node
		}
	}
	r.note(lineOf(node), path, "an alias that stands for itself", "write the value out")
	return nil
}

// A catalogEntry is a key of a mapping with its value.
type catalogEntry struct {
	key   string
	line  int
	value ast.Node
}

// entries returns the entries of a mapping, those of merge keys after the
// mapping's own.
func (r *catalogReader) entries(node ast.Node, path string) []catalogEntry {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		r.wrongKind(node, path, "a mapping (key: value)")
		return nil
	}
	var entries, merged []catalogEntry
	seen := map[string]int{}
	for it := mapping.MapRange(); it.Next(); {
		pair := it.KeyValue()
		line := lineOf(pair)
		if pair.Key.IsMergeKey() {
			merged = append(merged, r.mergedEntries(pair.Value, path)...)
			continue
		}
		key, ok := scalarText(pair.Key)
		if !ok {
			r.note(line, path, "a key that is not a text", "put a key that begins with ?, *, & or ! in quotes")
			continue
		}
		if first, again := seen[key]; again {
			r.note(line, joinPath(path, key), fmt.Sprintf("a second key `%s`, the first is at line %d", key, first), "keep one of them")
			continue
		}
		seen[key] = line
		entries = append(entries, catalogEntry{key, line, pair.Value})
	}
	for _, e := range merged {
		if _, overridden := seen[e.key]; !overridden {
			seen[e.key] = e.line
			entries = append(entries, e)
		}
	}
	return entries
}

// mergedEntries returns the entries that the value of a merge key brings.
func (r *catalogReader) mergedEntries(value ast.Node, path string) []catalogEntry {
	// Aliases in aliases could bring more keys than there is room for.
	const maxMerged = 100_000
	r.depth++
	defer func() { r.depth-- }()
	node := r.resolve(value, path)
	if node == nil {
		return nil
	}
	if r.depth > maxDepth || r.merged > maxMerged {
		if !r.flawed[path] {
			r.note(lineOf(node), path, "merge keys in merge keys without end", "write the values out")
		}
		return nil
	}
	var entries []catalogEntry
	if list, ok := node.(*ast.SequenceNode); ok {
		for _, item := range list.Values {
			entries = append(entries, r.mergedEntries(item, path)...)
		}
	} else {
		entries = r.entries(node, path)
	}
	r.merged += len(entries) + 1
	return entries
}

// decode stores the value of node in into. What was meant by a key without a
// value (null) is anyone's guess, so it is refused.
func (r *catalogReader) decode(node ast.Node, path string, into reflect.Value) {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxDepth {
		r.note(lineOf(node), path, "too many levels", "a value must not hold itself")
		return
	}
	node = r.resolve(node, path)
	if node == nil {
		return
	}
	if node.Type() == ast.NullType {
		r.note(cmp.Or(r.lines[path], lineOf(node)), path, "a key without a value", "fill it in, or drop the key")
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		r.decodeStruct(node, path, into)
	case reflect.Map:
		r.decodeMap(node, path, into)
	case reflect.Slice:
		r.decodeList(node, path, into)
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.decode(node, path, into.Elem())
	default:
		r.decodeScalar(node, path, into)
	}
}

func (r *catalogReader) decodeStruct(node ast.Node, path string, into reflect.Value) {
	fields := map[string]reflect.Value{}
	var keys []string
	for i := range into.NumField() {
		if key, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("yaml"), ","); key != "" {
			fields[key] = into.Field(i)
			keys = append(keys, key)
		}
	}
	for _, e := range r.entries(node, path) {
		at := joinPath(path, e.key)
		field, known := fields[e.key]
		if known {
			r.lines[at] = e.line
			r.decode(e.value, at, field)
			continue
		}
		hint := "the keys here are " + strings.Join(keys, ", ")
		if near := Nearest(e.key, keys); near != "" {
			hint = fmt.Sprintf("did you mean `%s`?", near)
			r.flawed[joinPath(path, near)] = true
		}
		r.note(e.line, at, fmt.Sprintf("unknown key `%s`", e.key), hint)
	}
}

func (r *catalogReader) decodeMap(node ast.Node, path string, into reflect.Value) {
	for _, e := range r.entries(node, path) {
		at := joinPath(path, e.key)
		r.lines[at] = e.line
		value := reflect.New(into.Type().Elem()).Elem()
		r.decode(e.value, at, value)
		if into.IsNil() {
			into.Set(reflect.MakeMap(into.Type()))
		}
		into.SetMapIndex(reflect.ValueOf(e.key), value)
	}
}

// decodeList reads a list of texts; a Strings may also be one text, and its
// texts may look like numbers.
func (r *catalogReader) decodeList(node ast.Node, path string, into reflect.Value) {
	loose := into.Type() == reflect.TypeFor[Strings]()
	items := []ast.Node{node}
	list, isList := node.(*ast.SequenceNode)
	if isList {
		items = list.Values
	} else if !loose {
		r.wrongKind(node, path, "a list ([a, b])")
		return
	}
	for i, item := range items {
		at := path
		if isList {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		if item = r.resolve(item, at); item == nil {
			continue
		}
		r.lines[at] = cmp.Or(lineOf(item), r.lineAt(path))
		text, ok := scalarText(item)
		if !ok || !loose && item.Type() != ast.StringType && item.Type() != ast.LiteralType {
			r.wrongKind(item, at, "a text")
			continue
		}
		into.Set(reflect.Append(into, reflect.ValueOf(text)))
	}
}

func (r *catalogReader) decodeScalar(node ast.Node, path string, into reflect.Value) {
	text, isScalar := scalarText(node)
	isNumber := node.Type() == ast.IntegerType || node.Type() == ast.FloatType
	switch into.Kind() {
	case reflect.String:
		if !isScalar || node.Type() != ast.StringType && node.Type() != ast.LiteralType {
			r.wrongKind(node, path, "a text")
			return
		}
		if text == "" {
			r.note(r.lineAt(path), path, "an empty text", "fill it in, or drop the key")
			return
		}
		into.SetString(text)
	case reflect.Bool:
		if node.Type() != ast.BoolType {
			r.wrongKind(node, path, "true or false")
			return
		}
		into.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if !isNumber || err != nil {
			r.wrongKind(node, path, "a whole number")
			return
		}
		into.SetInt(int64(n))
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if !isNumber || err != nil {
			r.wrongKind(node, path, "a number")
			return
		}
		into.SetFloat(x)
	default:
		panic(fmt.Sprintf("datasets: a %v in a catalog", into.Type()))
	}
}

// wrongKind notes that the value at path is not what is wanted there.
func (r *catalogReader) wrongKind(node ast.Node, path, want string) {
	hint := "write " + want
	if want == "a text" && node.Type() != ast.SequenceType && node.Type() != ast.MappingType && node.Type() != ast.MappingValueType {
		hint = "put it in quotes if it is meant as a text"
	}
	r.note(cmp.Or(lineOf(node), r.lineAt(path)), path, fmt.Sprintf("%s where %s is wanted", kindOf(node), want), hint)
}

// kindOf says what a node is.
func kindOf(node ast.Node) string {
	switch node.Type() {
	case ast.NullType:
		return "nothing"
	case ast.BoolType:
		return "true or false"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.StringType, ast.LiteralType:
		return "a text"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	}
	return "something else"
}

// scalarText returns the text of a text, number or boolean as the file has
// it, so that a code such as 007 keeps its zeros.
func scalarText(node ast.Node) (text string, ok bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// joinPath returns the path of a key of the value at path.
func joinPath(path, key string) string {
	if key == "" || strings.ContainsFunc(key, func(c rune) bool { return !isNameRune(c) && (c < 'A' || c > 'Z') }) {
		return fmt.Sprintf("%s[%q]", path, key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// lineAt returns the line of the value at path, or of the innermost one
// around it.
func (r *catalogReader) lineAt(path string) int {
	for {
		if line := r.lines[path]; line > 0 {
			return line
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}

// Nearest returns the candidate that name was probably meant to be, or
// nothing: one of which it is a part or that is a part of it, or else the one
// that the fewest typing errors turn it into.
func Nearest(name string, candidates []string) string {
	best, least := "", max(1, len(name)/3)+1
	lower := strings.ToLower(name)
	for _, candidate := range candidates {
		d := editDistance(lower, strings.ToLower(candidate))
		if d > 1 && min(len(name), len(candidate)) >= 3 && (strings.Contains(lower, candidate) || strings.Contains(candidate, lower)) {
			d = 1
		}
		if d < least && d < len(candidate) {
			best, least = candidate, d
		}
	}
	return best
}

// editDistance returns the number of bytes to insert, drop, change or swap
// with their neighbour to turn a into b. It gives up on long texts, which are
// no one's typing errors.
func editDistance(a, b string) int {
	const long = 64
	if len(a) > long || len(b) > long {
		return long
	}
	var rows [3][long + 1]int // of the table of distances of prefixes: the latest three
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row := &rows[(i+1)%3], &rows[(i+2)%3], &rows[i%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
