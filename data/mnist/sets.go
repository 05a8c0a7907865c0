package mnist

import "github.com/imago-ml/imago/data"

// A set is one of the sets known by name.
type set struct {
	name    string
	about   string
	classes []string
	mirrors []string     // addresses of directories, the surest first
	files   [4]data.File // train images, train labels, test images, test labels
}

const (
	trainImages = "train-images-idx3-ubyte.gz"
	trainLabels = "train-labels-idx1-ubyte.gz"
	testImages  = "t10k-images-idx3-ubyte.gz"
	testLabels  = "t10k-labels-idx1-ubyte.gz"
)

// sets lists the sets. Sizes and digests of the compressed files are those published by
// TensorFlow Datasets; the digests of the uncompressed ones were computed from files
// that agree with these. KMNIST's training files have none.
var sets = []set{
	{
		name:    "mnist",
		about:   "handwritten digits, 60,000 + 10,000 of 28x28 grey (LeCun, Cortes, Burges 1998)",
		classes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		mirrors: []string{
			"https://storage.googleapis.com/cvdf-datasets/mnist",
			"https://ossci-datasets.s3.amazonaws.com/mnist",
			"https://raw.githubusercontent.com/fgnt/mnist/master",
		},
		files: [4]data.File{
			{Name: trainImages, Size: 9912422,
				SHA256:   "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
				Unpacked: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
			{Name: trainLabels, Size: 28881,
				SHA256:   "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
				Unpacked: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
			{Name: testImages, Size: 1648877,
				SHA256:   "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
				Unpacked: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
			{Name: testLabels, Size: 4542,
				SHA256:   "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
				Unpacked: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
		},
	},
	{
		name:    "fashion-mnist",
		about:   "pieces of clothing, 60,000 + 10,000 of 28x28 grey (Zalando; Xiao, Rasul, Vollgraf 2017)",
		classes: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
		mirrors: []string{
			"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
			"https://storage.googleapis.com/tensorflow/tf-keras-datasets",
		},
		files: [4]data.File{
			{Name: trainImages, Size: 26421880,
				SHA256:   "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
				Unpacked: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
			{Name: trainLabels, Size: 29515,
				SHA256:   "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
				Unpacked: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
			{Name: testImages, Size: 4422102,
				SHA256:   "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
				Unpacked: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
			{Name: testLabels, Size: 5148,
				SHA256:   "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
				Unpacked: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
		},
	},
	{
		name:    "kmnist",
		about:   "cursive Japanese letters, 60,000 + 10,000 of 28x28 grey (CODH; Clanuwat et al. 2018)",
		classes: []string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"},
		mirrors: []string{
			"https://codh.rois.ac.jp/kmnist/dataset/kmnist",
			"https://storage.googleapis.com/kuzushiji-mnist",
		},
		files: [4]data.File{
			{Name: trainImages, Size: 18165135,
				SHA256: "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"},
			{Name: trainLabels, Size: 29497,
				SHA256: "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"},
			{Name: testImages, Size: 3041136,
				SHA256:   "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
				Unpacked: "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e"},
			{Name: testLabels, Size: 5120,
				SHA256:   "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
				Unpacked: "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6"},
		},
	},
}
