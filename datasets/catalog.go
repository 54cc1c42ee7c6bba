package datasets

// A Catalog names the datasets of a city. See [ReadCatalog] for its file.
type Catalog struct {
	City     City                   `yaml:"city" json:"city"`
	Regions  map[string]RegionSpec  `yaml:"regions,omitempty" json:"regions,omitempty"`
	Datasets map[string]DatasetSpec `yaml:"datasets,omitempty" json:"datasets,omitempty"`

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
	File      string    `yaml:"file,omitempty" json:"file,omitempty"`           // GeoJSON
	ID        string    `yaml:"id,omitempty" json:"id,omitempty"`               // property that identifies a region; default "id", else the feature's id
	Name      string    `yaml:"name,omitempty" json:"name,omitempty"`           // property to show; default the id
	Graph     string    `yaml:"graph,omitempty" json:"graph,omitempty"`         // adjacency file, see ReadGraph; default from the polygons
	Tolerance float64   `yaml:"tolerance,omitempty" json:"tolerance,omitempty"` // metres within which boundaries count as shared; default 1
	Islands   string    `yaml:"islands,omitempty" json:"islands,omitempty"`     // "keep" (default) or "join" each to its nearest neighbour
	Grid      *GridSpec `yaml:"grid,omitempty" json:"grid,omitempty"`
	H3        int       `yaml:"h3,omitempty" json:"h3,omitempty"` // resolution 1 to 15 of H3 cells, those that the data hold
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
	Title  string `yaml:"title,omitempty" json:"title,omitempty"`
	Source string `yaml:"source,omitempty" json:"source,omitempty"` // who publishes it
	Terms  string `yaml:"terms,omitempty" json:"terms,omitempty"`   // its licence

	Files       Strings               `yaml:"files" json:"files"`                                 // names and patterns, of Parquet, CSV or CSV.gz files
	CSV         CSVSpec               `yaml:"csv,omitempty" json:"csv,omitzero"`                  // of CSV files
	Time        TimeSpec              `yaml:"time" json:"time"`                                   //
	Place       PlaceSpec             `yaml:"place" json:"place"`                                 //
	Where       map[string]Strings    `yaml:"where,omitempty" json:"where,omitempty"`             // column: values of the rows to use; other rows are left out
	Numbers     map[string]NumberSpec `yaml:"numbers,omitempty" json:"numbers,omitempty"`         // column: how its text is a number
	UniqueBy    Strings               `yaml:"unique_by,omitempty" json:"unique_by,omitempty"`     // columns that tell rows apart; later duplicates are rejected
	Functions   Strings               `yaml:"functions" json:"functions"`                         // auto, or count, unique(c), mean(c), sum(c), min(c), max(c), median(c)
	Resolutions Strings               `yaml:"resolutions,omitempty" json:"resolutions,omitempty"` // default: all that the data support
}

// CSVSpec says how CSV files are written.
type CSVSpec struct {
	Delimiter string   `yaml:"delimiter,omitempty" json:"delimiter,omitempty"` // default ,
	Header    []string `yaml:"header,omitempty" json:"header,omitempty"`       // names of the columns, if the first line does not give them
}

// A TimeSpec says which column tells the time of a row, and how.
//
// Format is made of these tokens; other characters stand for themselves, a
// blank for one or more:
//
//	YYYY, YY         year; 69 is 1969, 68 is 2068
//	MM, M            month of two digits, of one or two
//	MMM, MMMM        English name of the month, its first three letters or all
//	DD, D            day of the month
//	HH, H            hour, 0 to 23
//	hh, h, A         hour, 1 to 12, with AM or PM
//	mm, m, ss, s     minutes and seconds
//	S                fraction of a second, of any length, which is dropped
//	Z                offset from UTC: Z, -05, -0500 or -05:00
//	[text]           text that is no token
//
// A layout of package time (which has 2006 in it) or of strptime (which has
// per cent signs) will do too.
type TimeSpec struct {
	Column string `yaml:"column" json:"column"`
	Zone   string `yaml:"zone,omitempty" json:"zone,omitempty"`     // of its wall clock; default the city's; "UTC", "UTC-5" or an IANA name
	Format string `yaml:"format,omitempty" json:"format,omitempty"` // of text, such as "M/D/YYYY H:mm"; default ISO 8601
	Epoch  string `yaml:"epoch,omitempty" json:"epoch,omitempty"`   // unit of a number: s, ms, us or ns
	Step   string `yaml:"step,omitempty" json:"step,omitempty"`     // finest resolution that the times mean: hour, day, week, month, year; default from the type
	From   string `yaml:"from,omitempty" json:"from,omitempty"`     // first day to use
	To     string `yaml:"to,omitempty" json:"to,omitempty"`         // first day not to use
}

// A PlaceSpec says where a row happened: a point (Lon and Lat, X and Y with
// EPSG, or Geometry), a Region with the Column of its codes, or the City.
type PlaceSpec struct {
	Lon      string `yaml:"lon,omitempty" json:"lon,omitempty"`
	Lat      string `yaml:"lat,omitempty" json:"lat,omitempty"`
	X        string `yaml:"x,omitempty" json:"x,omitempty"`
	Y        string `yaml:"y,omitempty" json:"y,omitempty"`
	EPSG     int    `yaml:"epsg,omitempty" json:"epsg,omitempty"`         // of X and Y, and of Geometry if it is not WGS 84
	Geometry string `yaml:"geometry,omitempty" json:"geometry,omitempty"` // column of points in WKB
	Region   string `yaml:"region,omitempty" json:"region,omitempty"`
	Column   string `yaml:"column,omitempty" json:"column,omitempty"`
	City     bool   `yaml:"city,omitempty" json:"city,omitempty"`
	Empty    string `yaml:"empty,omitempty" json:"empty,omitempty"` // what regions that never have a row are: missing (default) or zero
}

// A NumberSpec says how a text column is a number.
type NumberSpec struct {
	Thousands string  `yaml:"thousands,omitempty" json:"thousands,omitempty"` // separator, such as ,
	Decimal   string  `yaml:"decimal,omitempty" json:"decimal,omitempty"`     // default .
	Unit      string  `yaml:"unit,omitempty" json:"unit,omitempty"`           // text before or after each number to leave out, such as $ or %
	Missing   Strings `yaml:"missing,omitempty" json:"missing,omitempty"`     // texts that mean no value; the empty text always does
}

// Strings is a list of texts that a catalog may also give as one text.
type Strings []string
