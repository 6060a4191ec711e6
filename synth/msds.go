package synth

// The tables of the maternity trust's export: those of MSDS v2 that the dataset
// is made from, each with its RecordNumber and the fields that are submitted, in
// the standard's order as the national processing source has it. No description
// of BadgerNet's own export is public. Smoking and body mass index at booking
// are derived nationally; that a trust's export has them, at the end of the
// booking, is an assumption, and so are the eight columns of MSD405, of which the
// standard has more.
const (
	matHeader = iota
	matMother
	matPractice
	matBooking
	matDelivery
	matBaby
	matActivity
)

var msdsTables = []exportTable{
	matHeader:   {"MSD000Header", "DatSetVer OrgIDProvider OrgIDSubmit PrimSystemInUse RPStartDate RPEndDate DateTimeDatSetCreate"},
	matMother:   {"MSD001MotherDemog", "LPIDMother OrgIDLPID PersonBirthDateMother OrgIDResidenceResp NHSNumberMother NHSNumberStatusMother Postcode EthnicCategoryMother PersonDeathDateMother PersonDeathTimeMother"},
	matPractice: {"MSD002GP", "LPIDMother OrgCodeGMPMother StartDateGMPReg EndDateGMPReg"},
	matBooking: {"MSD101PregnancyBooking", "PregnancyID LPIDMother OrgIDComm AntenatalAppDate PregFirstConDate EDDAgreed OrgSiteIDBooking EDDMethodAgreed SourceRefMat " +
		"OrgIDProvOrigin OrgIDRecv ReasonLateBooking PregFirstContactCareProfType LastMenstrualPeriodDate DisabilityIndMother LangCode MHPredictionDetectionIndMother " +
		"ComplexSocialFactorsInd EmploymentStatusMother SupportStatusIndMother EmploymentStatusPartner PreviousCaesareanSections PreviousLiveBirths PreviousStillBirths " +
		"PreviousLossesLessThan24Weeks FolicAcidSupplement DischargeDateMatService DischReason SmokingStatusBooking PersonBMIBooking"},
	matDelivery: {"MSD301LabourDelivery", "LabourDeliveryID PregnancyID OrgSiteIDIntra SettingIntraCare ReasonChangeDelSettingLab LabourOnsetMethod LabourOnsetDate LabourOnsetTime " +
		"CaesareanDate CaesareanTime StartDateMotherDeliveryHospProvSpell StartTimeMotherDeliveryHospProvSpell DecisionToDeliverDate DecisionToDeliverTime " +
		"AdmMethCodeMothDelHospProvSpell DischargeDateMotherHosp DischargeTimeMotherHosp DischMethCodeMothPostDelHospProvSpell DischDestCodeMothPostDelHospProvSpell " +
		"OrgIDPostnatalPathLeadProvider"},
	matBaby: {"MSD401BabyDemographics", "LPIDBaby LabourDeliveryID OrgIDLocalPatientIdBaby PersonBirthDateBaby PersonBirthTimeBaby PregOutcome PersonPhenSex EthnicCategoryBaby " +
		"NHSNumberBaby NHSNumberStatusBaby LocalFetalID BirthOrderMaternitySUS PersonDeathDateBaby PersonDeathTimeBaby FetusPresentation GestationLengthBirth " +
		"DeliveryMethodCode WaterDeliveryInd OrgSiteIDActualDelivery CareProfLIDDel SettingPlaceBirth BabyFirstFeedDate BabyFirstFeedTime BabyFirstFeedIndCode " +
		"SkinToSkinContact1HourInd DischargeDateBabyHosp DischargeTimeBabyHosp"},
	matActivity: {"MSD405CareActivityBaby", "CareActIDBaby LPIDBaby ClinInterDateBaby ObsSchemeInUse ObsCode ObsValue UCUMUnit ApgarScore"},
}
