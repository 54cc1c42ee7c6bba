package datasets

// A Catalog names the datasets of a city. See [ReadCatalog] for its file.
type Catalog struct {
	City     City                   `yaml:"city" json:"city"`
	Regions  map[string]RegionSpec  `yaml:"regions" json:"regions"`
	Datasets map[string]DatasetSpec `yaml:"datasets" json:"datasets"`

	folder string // which relative paths resolve against
}

// City says whose clocks and maps the datasets go by.
type City struct {
	Name     string `yaml:"name" json:"name"`
	Timezone string `yaml:"timezone" json:"timezone"` // IANA name
}

// A RegionSpec says where the polygons of a region system come from: one of
// File, Grid and H3.
type RegionSpec struct {
	File      string    `yaml:"file" json:"file,omitempty"`           // GeoJSON
	ID        string    `yaml:"id" json:"id,omitempty"`               // property that identifies a region; default "id", else the feature's id
	Name      string    `yaml:"name" json:"name,omitempty"`           // property to show; default the id
	Graph     string    `yaml:"graph" json:"graph,omitempty"`         // adjacency file, see ReadGraph; default from the polygons
	Tolerance float64   `yaml:"tolerance" json:"tolerance,omitempty"` // metres within which boundaries count as shared; default 1
	Islands   string    `yaml:"islands" json:"islands,omitempty"`     // "keep" (default) or "join" each to its nearest neighbour
	Grid      *GridSpec `yaml:"grid" json:"grid,omitempty"`
	H3        int       `yaml:"h3" json:"h3,omitempty"` // resolution 1 to 15 of H3 cells, those that the data hold
}

// A GridSpec is a grid of equal cells in longitude and latitude.
type GridSpec struct {
	West    float64 `yaml:"west" json:"west"`
	South   float64 `yaml:"south" json:"south"`
	East    float64 `yaml:"east" json:"east"`
	North   float64 `yaml:"north" json:"north"`
	Columns int     `yaml:"columns" json:"columns"`
	Rows    int     `yaml:"rows" json:"rows"`
}

// A DatasetSpec says how a dataset's files are to be read.
type DatasetSpec struct {
	Title  string `yaml:"title" json:"title,omitempty"`
	Source string `yaml:"source" json:"source,omitempty"` // who publishes it
	Terms  string `yaml:"terms" json:"terms,omitempty"`   // its licence

	Files       Strings               `yaml:"files" json:"files"`                       // names and patterns, of Parquet, CSV or CSV.gz files
	CSV         CSVSpec               `yaml:"csv" json:"csv,omitzero"`                  // of CSV files
	Time        TimeSpec              `yaml:"time" json:"time"`                         //
	Place       PlaceSpec             `yaml:"place" json:"place"`                       //
	Where       map[string]Strings    `yaml:"where" json:"where,omitempty"`             // column: values of the rows to use; other rows are left out
	Numbers     map[string]NumberSpec `yaml:"numbers" json:"numbers,omitempty"`         // column: how its text is a number
	UniqueBy    Strings               `yaml:"unique_by" json:"unique_by,omitempty"`     // columns that tell rows apart; later duplicates are rejected
	Functions   Strings               `yaml:"functions" json:"functions"`               // auto, or count, unique(c), mean(c), sum(c), min(c), max(c), median(c)
	Resolutions Strings               `yaml:"resolutions" json:"resolutions,omitempty"` // default: all that the data support
}

// CSVSpec says how CSV files are written.
type CSVSpec struct {
	Delimiter string   `yaml:"delimiter" json:"delimiter,omitempty"` // default ,
	Header    []string `yaml:"header" json:"header,omitempty"`       // names of the columns, if the first line does not give them
}

// A TimeSpec says which column tells the time of a row, and how.
type TimeSpec struct {
	Column string `yaml:"column" json:"column"`
	Zone   string `yaml:"zone" json:"zone,omitempty"`     // of its wall clock; default the city's; "UTC", "UTC-5" or an IANA name
	Format string `yaml:"format" json:"format,omitempty"` // of text, such as "M/D/YYYY H:mm"; default ISO 8601
	Epoch  string `yaml:"epoch" json:"epoch,omitempty"`   // unit of a number: s, ms, us or ns
	Step   string `yaml:"step" json:"step,omitempty"`     // finest resolution that the times mean: hour, day, week, month, year; default from the type
	From   string `yaml:"from" json:"from,omitempty"`     // first day to use
	To     string `yaml:"to" json:"to,omitempty"`         // first day not to use
}

// A PlaceSpec says where a row happened: a point (Lon and Lat, X and Y with
// EPSG, or Geometry), a Region with the Column of its codes, or the City.
type PlaceSpec struct {
	Lon      string `yaml:"lon" json:"lon,omitempty"`
	Lat      string `yaml:"lat" json:"lat,omitempty"`
	X        string `yaml:"x" json:"x,omitempty"`
	Y        string `yaml:"y" json:"y,omitempty"`
	EPSG     int    `yaml:"epsg" json:"epsg,omitempty"`         // of X and Y, and of Geometry if it is not WGS 84
	Geometry string `yaml:"geometry" json:"geometry,omitempty"` // column of points in WKB
	Region   string `yaml:"region" json:"region,omitempty"`
	Column   string `yaml:"column" json:"column,omitempty"`
	City     bool   `yaml:"city" json:"city,omitempty"`
	Empty    string `yaml:"empty" json:"empty,omitempty"` // of regions that never have a row: "missing" (default) or "zero"
}

// A NumberSpec says how a text column is a number.
type NumberSpec struct {
	Thousands string  `yaml:"thousands" json:"thousands,omitempty"` // separator, such as ,
	Decimal   string  `yaml:"decimal" json:"decimal,omitempty"`     // default .
	Unit      string  `yaml:"unit" json:"unit,omitempty"`
	Missing   Strings `yaml:"missing" json:"missing,omitempty"` // texts that mean no value; the empty text always does
}

// Strings is a list of texts that a catalog may also give as one text.
type Strings []string
